"""Make keys and certificates: ECDSA P-256, with every extension that strict verifiers ask for.

Importing this costs tens of milliseconds, so it is imported only when there is something to make or to look into.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloudk8s.apiserver.pki.profile import Profile
from cloudk8s.errors import SettingsError

_BACKDATED = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, both PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority that can sign."""

    def __init__(self, issued: Issued) -> None:
        self.certificate = x509.load_pem_x509_certificate(issued.certificate)
        self.key = _signing_key(serialization.load_pem_private_key(issued.key, None))


def new_key() -> bytes:
    """A private key, PEM in PKCS #8."""
    return private_pem(ec.generate_private_key(ec.SECP256R1()))


def public_key(private: bytes) -> bytes:
    """The public half of a private key, both PEM."""
    key = serialization.load_pem_private_key(private, None).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def issue(
    profile: Profile, authority: Authority | None, now: datetime, *, key: ec.EllipticCurvePrivateKey | None = None
) -> Issued:
    """Make a key and a certificate for it; without an authority it signs itself.

    With a given key the same arguments give the same bytes, wherever that is done.
    """
    serial = x509.random_serial_number() if key is None else _serial(key)
    is_repeatable = key is not None
    key = key or ec.generate_private_key(ec.SECP256R1())
    issuer_key = authority.key if authority else key
    subject = _subject(profile)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + profile.lifetime)
        .add_extension(x509.BasicConstraints(ca=profile.is_authority, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=profile.is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not profile.is_authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage(_purposes(profile)), critical=False)
    if profile.hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in profile.hosts])
        builder = builder.add_extension(names, critical=False)
    certificate = _signed(builder, issuer_key, is_repeatable=is_repeatable)
    return Issued(certificate.public_bytes(serialization.Encoding.PEM), private_pem(key))


def _serial(key: ec.EllipticCurvePrivateKey) -> int:
    """A serial number that belongs to a key."""
    digest = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
    return int.from_bytes(digest) >> 1 or 1


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, *, is_repeatable: bool
) -> x509.Certificate:
    if is_repeatable and isinstance(key, ec.EllipticCurvePrivateKey):
        return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    return builder.sign(key, hashes.SHA256())


def not_after(certificate: bytes) -> datetime:
    """When a PEM certificate expires."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def _subject(profile: Profile) -> x509.Name:
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in profile.organizations]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, profile.common_name)])


def _purposes(profile: Profile) -> list[x509.ObjectIdentifier]:
    server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
    if profile.is_peer:
        return [server, client]
    return [server] if profile.hosts else [client]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not is_authority,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """A private key, PEM in PKCS #8."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _signing_key(key: PrivateKeyTypes) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    if isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        return key
    raise SettingsError(f"the authority's key is a {type(key).__name__}; use an RSA or an elliptic curve key")
