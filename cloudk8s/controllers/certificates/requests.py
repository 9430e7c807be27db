"""What a CertificateSigningRequest says, as an object and inside."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_true, spec_of, status_of
from cloudk8s.errors import CloudK8sError


class BadRequestContent(CloudK8sError):
    """The request inside cannot be read."""


@dataclass(frozen=True, slots=True)
class Content:
    """The PKCS #10 request inside."""

    common_name: str
    organizations: tuple[str, ...]
    dns_names: tuple[str, ...]
    addresses: tuple[str, ...]
    emails: tuple[str, ...]
    uris: tuple[str, ...]
    raw: Any
    """The `cryptography` object."""


def is_approved(request: Object) -> bool:
    return is_true(request, "Approved") and not is_true(request, "Denied")


def is_signed(request: Object) -> bool:
    return bool(status_of(request).get("certificate"))


def signer_of(request: Object) -> str:
    return str(spec_of(request).get("signerName", ""))


def usages_of(request: Object) -> frozenset[str]:
    return frozenset(spec_of(request).get("usages") or ())


def content_of(request: Object) -> Content:
    """Read the request inside. Raises BadRequestContent."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        parsed = x509.load_pem_x509_csr(base64.b64decode(spec_of(request).get("request", "")))
        subject = parsed.subject
        names = _alternative_names(parsed)
        return Content(
            "".join(str(item.value) for item in subject.get_attributes_for_oid(NameOID.COMMON_NAME)[:1]),
            tuple(str(item.value) for item in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)),
            tuple(names.get_values_for_type(x509.DNSName)) if names else (),
            tuple(str(each) for each in names.get_values_for_type(x509.IPAddress)) if names else (),
            tuple(names.get_values_for_type(x509.RFC822Name)) if names else (),
            tuple(names.get_values_for_type(x509.UniformResourceIdentifier)) if names else (),
            parsed,
        )
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise BadRequestContent(f"unable to parse csr: {error}") from error


def _alternative_names(parsed: Any) -> Any:
    from cryptography import x509

    try:
        return parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
