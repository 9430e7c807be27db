"""Make the serving certificate that a node signs itself: `python -m … NODE ENDS IP…` prints it and its key."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def make(node_name: str, ips: Sequence[str], ends: datetime) -> tuple[bytes, bytes]:
    """Certificate and key in PEM form."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"{node_name}@{int(datetime.now(UTC).timestamp())}"[:64])]
    )
    names: list[x509.GeneralName] = [x509.DNSName(node_name), *(x509.IPAddress(ipaddress.ip_address(ip)) for ip in ips)]
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


if __name__ == "__main__":
    sys.stdout.buffer.write(b"".join(make(sys.argv[1], sys.argv[3:], datetime.fromisoformat(sys.argv[2]))))
