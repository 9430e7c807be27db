"""CertificateSigningRequests: what is asked for, and what approvers and signers may write."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography import x509

from cloudk8s.api.field_errors import duplicate, forbidden, invalid, not_supported, required
from cloudk8s.api.validation.signers import check_signer_name
from cloudk8s.api.validation.values import Errors

USAGES: Final = frozenset(
    {
        "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
        "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
        "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
        "server auth", "signing", "timestamping",
    }
)  # fmt: skip
DECISIONS: Final = ("Approved", "Denied", "Failed")
_LEGACY_SIGNER: Final = "kubernetes.io/legacy-unknown"
_SHORTEST_SECONDS: Final = 600
_STATUSES: Final = frozenset({"True", "False", "Unknown"})
_REQUEST_MARK: Final = "-----BEGIN CERTIFICATE REQUEST-----"
_CERTIFICATE_MARK: Final = "-----BEGIN CERTIFICATE-----"


def check_request(errors: Errors, request: Mapping[str, Any], old: Mapping[str, Any] | None) -> None:
    """All but metadata; what was odd before it was checked may stay."""
    spec = request["spec"]
    if old is None:
        _check_body(errors, "spec.request", spec.get("request") or "")
        _check_usages(errors, spec.get("usages") or [])
        signer, seconds = spec.get("signerName") or "", spec.get("expirationSeconds")
        if signer == _LEGACY_SIGNER:
            text = "the legacy signerName is not allowed via this API version"
            errors.append(invalid("spec.signerName", signer, text))
        else:
            check_signer_name(errors, "spec.signerName", signer)
        if seconds is not None and seconds < _SHORTEST_SECONDS:
            text = "may not specify a duration less than 600 seconds (10 minutes)"
            errors.append(invalid("spec.expirationSeconds", seconds, text))
    _check_conditions(errors, _conditions(request), both=_has_both(old))
    certificate = (request.get("status") or {}).get("certificate")
    if certificate and certificate != ((old or {}).get("status") or {}).get("certificate"):
        _check_certificate(errors, certificate)


def check_request_changes(
    errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any], *, signs: bool, decides: bool
) -> None:
    """`signs`: this writer may set the certificate; `decides`: it may approve and deny."""
    after, before = _conditions(new), _conditions(old)
    for kind in DECISIONS:
        if _count(after, kind) < _count(before, kind):
            text = f'updates may not remove a condition of type "{kind}"'
            errors.append(forbidden("status.conditions", text))
    for kind in () if decides else DECISIONS[:2]:
        if _count(after, kind) > _count(before, kind):
            text = f'updates may not add a condition of type "{kind}"'
            errors.append(forbidden("status.conditions", text))
    certificate, was = ((obj.get("status") or {}).get("certificate") or "" for obj in (new, old))
    if certificate != was:
        if not signs:
            errors.append(forbidden("status.certificate", "updates may not set certificate content"))
        elif was:
            text = "updates may not modify existing certificate content"
            errors.append(forbidden("status.certificate", text))


def _check_body(errors: Errors, path: str, encoded: str) -> None:
    text = base64.b64decode(encoded or "").decode(errors="replace")
    if not text.lstrip().startswith(_REQUEST_MARK) or "-----END CERTIFICATE REQUEST-----" not in text:
        errors.append(invalid(path, encoded, "PEM block type must be CERTIFICATE REQUEST"))
        return
    try:
        x509.load_pem_x509_csr(text.encode())
    except ValueError:
        errors.append(invalid(path, encoded, "asn1: syntax error: data truncated"))


def _check_usages(errors: Errors, usages: list[str]) -> None:
    if not usages:
        errors.append(required("spec.usages"))
    for index, usage in enumerate(usages):
        if usage not in USAGES:
            errors.append(not_supported(f"spec.usages[{index}]", usage, USAGES))
    for index, usage in enumerate(usages):
        if usage in usages[:index]:
            errors.append(duplicate(f"spec.usages[{index}]", usage))


def _check_conditions(errors: Errors, conditions: Sequence[Mapping[str, Any]], *, both: bool) -> None:
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        path, kind, status = f"status.conditions[{index}]", condition.get("type") or "", condition.get("status") or ""
        allowed = frozenset({"True"}) if kind in DECISIONS else _STATUSES
        if not kind:
            errors.append(required(f"{path}.type"))
        if not status:
            errors.append(required(f"{path}.status"))
        elif status not in allowed:
            errors.append(not_supported(f"{path}.status", status, allowed))
        if not both and kind in DECISIONS[:2] and seen.intersection(DECISIONS[:2]) - {kind}:
            text = "Approved and Denied conditions are mutually exclusive"
            errors.append(invalid(f"{path}.type", kind, text))
        if kind in seen:
            errors.append(duplicate(f"{path}.type", kind))
        seen.add(kind)


def _check_certificate(errors: Errors, encoded: str) -> None:
    text = base64.b64decode(encoded).decode(errors="replace")
    path, hidden = "status.certificate", "<certificate data>"
    if _CERTIFICATE_MARK not in text:
        errors.append(invalid(path, hidden, "must contain at least one CERTIFICATE PEM block"))
        return
    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        errors.append(invalid(path, hidden, str(error)))


def _conditions(request: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    conditions: Sequence[Mapping[str, Any]] = ((request or {}).get("status") or {}).get("conditions") or ()
    return conditions


def _count(conditions: Sequence[Mapping[str, Any]], kind: str) -> int:
    return sum(condition.get("type") == kind for condition in conditions)


def _has_both(request: Mapping[str, Any] | None) -> bool:
    conditions = _conditions(request)
    return _count(conditions, "Approved") > 0 and _count(conditions, "Denied") > 0
