"""Sources of a projected volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.pod.paths import check_not_reserved
from cloudk8s.api.validation.selectors import check_label_selector
from cloudk8s.api.validation.signers import check_signer_name
from cloudk8s.api.validation.values import Errors

Source = Mapping[str, Any]
CheckItems = Callable[[Errors, str, Sequence[Source]], None]
CheckFile = Callable[[Errors, str, Source], None]

_CONFLICT: Final = "conflicting duplicate paths"
_KEY_TYPES: Final = ("RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519")
_MIN_TOKEN_SECONDS: Final = 600
_MIN_CERTIFICATE_SECONDS: Final = 3600
_MAX_CERTIFICATE_SECONDS: Final = 91 * 86400


def check_sources(
    errors: Errors, path: str, sources: Sequence[Source], check_items: CheckItems, check_file: CheckFile
) -> None:
    taken: set[str] = set()
    for index, source in enumerate(sources):
        item = f"{path}.sources[{index}]"
        for kind in ("secret", "configMap"):
            if (part := source.get(kind)) is not None:
                _check_keyed(errors, path, f"{item}.{kind}", part, taken, check_items)
        if (part := source.get("downwardAPI")) is not None:
            for file in part.get("items") or ():
                check_file(errors, f"{item}.downwardAPI", file)
                _claim_path(errors, path, file.get("path") or "", taken)
        if (part := source.get("serviceAccountToken")) is not None:
            _check_token(errors, path, f"{item}.serviceAccountToken", part)
        if (part := source.get("clusterTrustBundle")) is not None:
            _check_bundle(errors, path, f"{item}.clusterTrustBundle", part, taken)
        if (part := source.get("podCertificate")) is not None:
            _check_certificate(errors, path, f"{item}.podCertificate", part, taken)
        if sum(part is not None for part in source.values()) > 1:
            errors.append(forbidden(item, "may not specify more than 1 volume type per source"))


def _check_keyed(errors: Errors, path: str, item: str, part: Source, taken: set[str], check_items: CheckItems) -> None:
    if not (name := part.get("name") or ""):
        errors.append(required(f"{item}.name"))
    items = part.get("items") or ()
    found: Errors = []
    check_items(found, f"{item}.items", items)
    for index, key in enumerate(items):
        errors.extend(error for error in found if error.path.startswith(f"{item}.items[{index}]"))
        _claim_path(errors, path, key.get("path") or "", taken, shown=name)


def _claim_path(errors: Errors, path: str, target: str, taken: set[str], shown: str | None = None) -> None:
    if target in taken:
        errors.append(invalid(path, target if shown is None else shown, _CONFLICT))
    elif target:
        taken.add(target)


def _check_token(errors: Errors, path: str, item: str, part: Source) -> None:
    seconds = part.get("expirationSeconds") or 0
    if seconds < _MIN_TOKEN_SECONDS:
        errors.append(invalid(f"{item}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes"))
    if seconds > 1 << 32:
        text = "may not specify a duration larger than 2^32 seconds"
        errors.append(invalid(f"{item}.expirationSeconds", seconds, text))
    if not (target := part.get("path")):
        errors.append(required(f"{path}.path"))
    else:
        check_not_reserved(errors, f"{path}.path", target)


def _check_bundle(errors: Errors, path: str, item: str, part: Source, taken: set[str]) -> None:
    name, signer = part.get("name"), part.get("signerName")
    if name is not None and signer is not None:
        shown = go_json(part, "ClusterTrustBundleProjection")
        errors.append(invalid(item, shown, "only one of name and signerName may be used"))
    elif name is not None:
        _check_bundle_name(errors, item, name)
        if (selector := part.get("labelSelector")) is not None:
            text = "labelSelector must be unset if name is specified"
            errors.append(invalid(f"{item}.labelSelector", go_json(selector, "LabelSelector"), text))
    elif signer is not None:
        if not signer:
            errors.append(required(f"{item}.signerName", "must be a valid signer name"))
        check_signer_name(errors, f"{item}.signerName", signer)
        check_label_selector(errors, f"{item}.labelSelector", part.get("labelSelector"))
    else:
        errors.append(required(item, "either name or signerName must be specified"))
    target = part.get("path") or ""
    if not target:
        errors.append(required(f"{item}.path"))
    check_not_reserved(errors, f"{item}.path", target)
    if target in taken:
        errors.append(invalid(path, target, _CONFLICT))
    taken.add(target)


def _check_bundle_name(errors: Errors, item: str, name: str) -> None:
    if not name:
        errors.append(required(f"{item}.name", "must be a valid object name"))
    signer, colon, own = name.rpartition(":")
    messages = names.dns_subdomain(own if colon else name)
    if colon and not signer:
        messages = names.dns_subdomain(name)
    for text in messages:
        errors.append(invalid(f"{item}.name", name, f"not a valid clustertrustbundlename: {text}"))


def _check_certificate(errors: Errors, path: str, item: str, part: Source, taken: set[str]) -> None:
    check_signer_name(errors, f"{item}.signerName", part.get("signerName") or "")
    if (kind := part.get("keyType") or "") not in _KEY_TYPES:
        errors.append(not_supported(f"{item}.keyType", kind, _KEY_TYPES))
    seconds = part.get("maxExpirationSeconds")
    if seconds is None:
        errors.append(required(f"{item}.maxExpirationSeconds", "must be set"))
    elif not _MIN_CERTIFICATE_SECONDS <= seconds <= _MAX_CERTIFICATE_SECONDS:
        text = f"must be in the range [{_MIN_CERTIFICATE_SECONDS}, {_MAX_CERTIFICATE_SECONDS}]"
        errors.append(invalid(f"{item}.maxExpirationSeconds", seconds, text))
    targets = [part.get(key) or "" for key in ("credentialBundlePath", "keyPath", "certificateChainPath")]
    for key, target in zip(("credentialBundlePath", "keyPath", "certificateChainPath"), targets, strict=True):
        if target:
            check_not_reserved(errors, f"{item}.{key}", target)
            _claim_path(errors, path, target, taken)
    if not any(targets):
        text = "must specify at least one of credentialBundlePath, keyPath, or certificateChainPath"
        errors.append(required(item, text))
