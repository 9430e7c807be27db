"""Run the serving side: TLS, the port, the certificate that names the node."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloudk8s.apiserver.http import tls
from cloudk8s.node.settings import NodeSettings

_LIFETIME = timedelta(days=365)


def context(settings: NodeSettings, ips: Sequence[str]) -> ssl.SSLContext:
    """The listener's TLS context, with the certificate of the settings or one of the node's own. Blocks."""
    certificate, key = settings.tls_cert_file, settings.tls_private_key_file
    if certificate is None or key is None:
        certificate, key = self_signed(settings.root_dir / "pki", settings.node_name, ips)
    return tls.server_context(certificate, key, client_ca=settings.client_ca_file)


def self_signed(directory: Path, node_name: str, ips: Sequence[str]) -> tuple[Path, Path]:
    """A certificate of the node's own, kept until it nears its end; upstream's kubelet makes such a one too. Blocks."""
    certificate, key = directory / "kubelet.crt", directory / "kubelet.key"
    if not _is_usable(certificate, ips):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        made, private = _make(node_name, ips)
        key.touch(mode=0o600)
        key.write_bytes(private)
        certificate.write_bytes(made)
    return certificate, key


def _is_usable(path: Path, ips: Sequence[str]) -> bool:
    if not path.exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    known = {str(ip) for ip in names.get_values_for_type(x509.IPAddress)}
    return set(ips) <= known and certificate.not_valid_after_utc - datetime.now(UTC) > _LIFETIME / 5


def _make(node_name: str, ips: Sequence[str]) -> tuple[bytes, bytes]:
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
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private
