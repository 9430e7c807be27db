"""The node's own client certificate: asked for with a bootstrap token, and anew before it runs out.

The API server's signer and approver (`kubernetes.io/kube-apiserver-client-kubelet`) answer the requests.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloudk8s.client.credentials import Credential
from cloudk8s.client.interface import Client
from cloudk8s.client.objects import name_of, status_of
from cloudk8s.client.resources import CERTIFICATE_SIGNING_REQUESTS
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.clock import Clock

SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
FILE = "kubelet-client-current.pem"
_POLL_SECONDS = 1.0
_RETRY_SECONDS = 30.0
_LONGEST_NAP = 3600.0

_log = logging.getLogger(__name__)


class Refused(CloudK8sError):
    """The request for a certificate was denied or failed."""


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: bytes
    key: bytes
    begins: datetime
    ends: datetime


class NodeIdentity:
    """Fulfils `Credentials` of a client; kept in a file of `directory` between runs."""

    def __init__(self, directory: Path, node_name: str, *, clock: Clock) -> None:
        self._path, self._node_name, self._clock = directory / FILE, node_name, clock
        self._pair: _Pair | None = None
        self._rotate_at = random.uniform(0.7, 0.9)
        """The part of its life after which a certificate is replaced; not all nodes at once."""

    async def current(self) -> Credential:
        if self._pair is None:
            raise Refused(f"node {self._node_name} has no certificate yet")
        return Credential(certificate=self._pair.certificate, key=self._pair.key)

    def reject(self) -> None:
        """A refused certificate is replaced when its time comes; there is no other one before."""

    async def load(self) -> bool:
        """Read the certificate of an earlier run; False where there is none or it has run out."""
        pair = await asyncio.to_thread(_read, self._path)
        if pair is None or pair.ends <= self._clock.now():
            return False
        self._pair = pair
        return True

    async def obtain(self, client: Client) -> None:
        """Ask for a certificate and wait for it; Refused where it is denied."""
        key, request = await asyncio.to_thread(_make_request, self._node_name)
        spec = {
            "request": base64.b64encode(request).decode(),
            "signerName": SIGNER,
            "usages": ["digital signature", "client auth"],
        }
        body = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
                "metadata": {"generateName": "csr-"}, "spec": spec}  # fmt: skip
        made = await client.create(CERTIFICATE_SIGNING_REQUESTS, body)
        certificate = await self._wait(client, name_of(made))
        await asyncio.to_thread(_write, self._path, certificate, key)
        self._pair = _pair(certificate, key)

    async def run(self, client: Client) -> None:
        """Replace the certificate whenever its time comes, until cancelled."""
        while True:
            await self._clock.sleep(min(self._seconds_left(), _LONGEST_NAP))
            if self._seconds_left() > 0:
                continue
            try:
                await self.obtain(client)
                _log.info("node %s has a new certificate", self._node_name)
            except (CloudK8sError, OSError) as error:
                _log.warning("node %s: no new certificate, trying again: %s", self._node_name, error)
                await self._clock.sleep(_RETRY_SECONDS)

    def _seconds_left(self) -> float:
        """Until the certificate should be replaced."""
        if self._pair is None:
            return 0.0
        lifetime = self._pair.ends - self._pair.begins
        return (self._pair.begins + lifetime * self._rotate_at - self._clock.now()) / timedelta(seconds=1)

    async def _wait(self, client: Client, name: str) -> bytes:
        while True:
            request = await client.get(CERTIFICATE_SIGNING_REQUESTS, name)
            status = status_of(request)
            for condition in status.get("conditions") or ():
                if condition["type"] in ("Denied", "Failed"):
                    reason = condition.get("message") or condition.get("reason", "")
                    raise Refused(f"certificate signing request {name} was {condition['type'].lower()}: {reason}")
            if status.get("certificate"):
                return base64.b64decode(status["certificate"])
            await self._clock.sleep(_POLL_SECONDS)


def _make_request(node_name: str) -> tuple[bytes, bytes]:
    """A key and a request for the identity that nodes have."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{node_name}"),
        ]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, request.public_bytes(serialization.Encoding.PEM)


def _pair(certificate: bytes, key: bytes) -> _Pair:
    parsed = x509.load_pem_x509_certificate(certificate)
    return _Pair(certificate, key, parsed.not_valid_before_utc, parsed.not_valid_after_utc)


def _read(path: Path) -> _Pair | None:
    if not path.exists():
        return None
    content = path.read_bytes()
    marker = content.find(b"-----BEGIN PRIVATE KEY-----")
    return None if marker < 0 else _pair(content[:marker], content[marker:])


def _write(path: Path, certificate: bytes, key: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_bytes(certificate.rstrip() + b"\n" + key)
    temporary.rename(path)


def kubeconfig(server: str, authority: bytes, directory: Path) -> dict[str, Any]:
    """A kubeconfig that names the certificate's file, for whoever else acts as this node."""
    cluster: dict[str, Any] = {"server": server}
    if authority:
        cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
    file = str(directory / FILE)
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "default", "cluster": cluster}],
        "users": [{"name": "default", "user": {"client-certificate": file, "client-key": file}}],
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
        "current-context": "default",
    }
