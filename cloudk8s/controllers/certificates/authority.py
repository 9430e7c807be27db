"""Sign with the cluster's authority, as upstream's does: what the request names, the usages that were approved."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from cloudk8s.controllers.certificates.requests import Content

BACKDATE: Final = timedelta(minutes=5)
SHORTEST: Final = timedelta(minutes=10)
_SHORT: Final = timedelta(hours=8)
"""Certificates for less than this begin now, so that backdating does not eat their time."""
_KEY_USAGES: Final = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
_EXTENDED: Final = {
    "any": "ANY_EXTENDED_KEY_USAGE",
    "server auth": "SERVER_AUTH",
    "client auth": "CLIENT_AUTH",
    "code signing": "CODE_SIGNING",
    "email protection": "EMAIL_PROTECTION",
    "s/mime": "EMAIL_PROTECTION",
    "ipsec end system": "IPSEC_END_SYSTEM",
    "ipsec tunnel": "IPSEC_TUNNEL",
    "ipsec user": "IPSEC_USER",
    "timestamping": "TIME_STAMPING",
    "ocsp signing": "OCSP_SIGNING",
}


class CertificateAuthority:
    """A certificate and its key, both PEM."""

    def __init__(self, certificate: str, key: str, *, longest: timedelta) -> None:
        self._certificate = certificate
        self._key = key
        self._longest = longest

    def sign(self, content: Content, usages: Iterable[str], expiration_seconds: int | None, now: datetime) -> str:
        """The certificate, PEM in base64 as status carries it."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization

        issuer = x509.load_pem_x509_certificate(self._certificate.encode())
        key: Any = serialization.load_pem_private_key(self._key.encode(), None)
        lifetime = self._lifetime(expiration_seconds)
        backdate = timedelta(0) if lifetime < _SHORT else BACKDATE
        until = min(now - backdate + lifetime, issuer.not_valid_after_utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(content.raw.subject)
            .issuer_name(issuer.subject)
            .public_key(content.raw.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATE)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        )
        for extension, critical in _extensions(content, frozenset(usages)):
            builder = builder.add_extension(extension, critical=critical)
        signed = builder.sign(key, hashes.SHA256())
        return base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()

    def _lifetime(self, expiration_seconds: int | None) -> timedelta:
        if expiration_seconds is None:
            return self._longest
        return min(self._longest, max(SHORTEST, timedelta(seconds=expiration_seconds)))


def _extensions(content: Content, usages: frozenset[str]) -> Iterable[tuple[Any, bool]]:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    wanted = {_KEY_USAGES[usage] for usage in usages if usage in _KEY_USAGES}
    if wanted:
        yield x509.KeyUsage(**{name: name in wanted for name in sorted(set(_KEY_USAGES.values()))}), True
    extended = [getattr(ExtendedKeyUsageOID, _EXTENDED[usage]) for usage in sorted(usages) if usage in _EXTENDED]
    if extended:
        yield x509.ExtendedKeyUsage(extended), False
    try:
        names = content.raw.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return
    yield names.value, names.critical
