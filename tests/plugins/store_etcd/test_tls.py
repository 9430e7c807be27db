"""An etcd that wants certificates."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloudk8s.errors import StorageError
from cloudk8s.storage.opening import StoreRegistry, open_store
from cloudk8s_store_etcd.plugin import open_etcd
from tests.storage.etcd_server import EtcdServer
from tests.storage.writing import create


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with a self-signed certificate and its key, which serve as everybody's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "etcd")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (tmp_path / "key.pem").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    return tmp_path


@pytest.fixture
def server(certificates: Path) -> Iterator[EtcdServer]:
    """An etcd that only talks to clients with a certificate."""
    files = {"--cert-file": "cert.pem", "--key-file": "key.pem", "--trusted-ca-file": "cert.pem"}
    arguments = [f"{flag}={certificates / name}" for flag, name in files.items()]
    server = EtcdServer(certificates, *arguments, "--client-cert-auth", scheme="https")
    server.start()
    yield server
    server.stop()


async def test_a_client_with_a_certificate_is_let_in(server: EtcdServer, certificates: Path) -> None:
    registry = StoreRegistry()
    registry.register("etcd", open_etcd)
    files = f"ca={certificates}/cert.pem&cert={certificates}/cert.pem&key={certificates}/key.pem"
    store = await open_store(f"etcd://{server.endpoint}?{files}", registry=registry)
    await create(store, "a/web")
    await store.close()


async def test_a_client_without_one_is_not(server: EtcdServer, certificates: Path) -> None:
    with pytest.raises(StorageError, match="etcd at"):
        await open_etcd(f"etcd://{server.endpoint}?ca={certificates}/cert.pem")
