"""Certificates that nginx will take: a pair that fits, and one for hosts that have none."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from cloudk8s_ingress.routes import Certificate


def pair(name: str, certificate: bytes, key: bytes) -> Certificate | None:
    """The pair under a name that changes with it; None where the two do not fit, which nginx would not start with."""
    try:
        first = x509.load_pem_x509_certificates(certificate)[0]
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if first.public_key().public_bytes(*form) != private.public_key().public_bytes(*form):
        return None
    digest = hashlib.sha256(certificate + key).hexdigest()[:12]
    return Certificate(f"{name}.{digest}", certificate, key)


def self_signed(now: datetime) -> Certificate:
    """What is shown for hosts without a certificate: encrypts, and is trusted by nobody."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cloudk8s ingress, no certificate")])
    builder = x509.CertificateBuilder(
        issuer_name=subject, subject_name=subject, public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(hours=1), not_valid_after=now + timedelta(days=3650),
    )  # fmt: skip
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Certificate("default", certificate, private)
