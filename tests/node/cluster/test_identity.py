"""The node's certificate: asked for, kept, renewed."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cloudk8s.client.resources import CERTIFICATE_SIGNING_REQUESTS
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.cluster.identity import NodeIdentity, Refused
from cloudk8s.testing.fake_client import FakeClient

START = datetime(2026, 1, 1, tzinfo=UTC)


async def answer(client: FakeClient, clock: FakeClock, *, denied: bool = False) -> x509.CertificateSigningRequest:
    """Sign, or deny, the first request that nobody has answered."""
    while True:
        for request in (await client.list(CERTIFICATE_SIGNING_REQUESTS)).items:
            if request.get("status"):
                continue
            wanted = x509.load_pem_x509_csr(base64.b64decode(request["spec"]["request"]))
            certificate = {"certificate": base64.b64encode(sign(wanted, clock.now())).decode()}
            refusal = {"conditions": [{"type": "Denied", "status": "True", "message": "no"}]}
            await client.update(
                CERTIFICATE_SIGNING_REQUESTS,
                {**request, "status": refusal if denied else certificate},
                subresource="status",
            )
            await clock.advance(1)
            return wanted
        await asyncio.sleep(0)


def sign(request: x509.CertificateSigningRequest, now: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder().subject_name(request.subject).issuer_name(request.subject)
    builder = builder.public_key(request.public_key()).serial_number(x509.random_serial_number())
    made = builder.not_valid_before(now).not_valid_after(now + timedelta(days=10)).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


async def test_a_certificate_is_asked_for_and_kept(tmp_path: Path) -> None:
    clock, client = FakeClock(START), FakeClient()
    identity = NodeIdentity(tmp_path, "n1", clock=clock)
    assert not await identity.load()

    asking = asyncio.create_task(identity.obtain(client))
    wanted = await answer(client, clock)
    await asking

    assert wanted.subject.rfc4514_string() == "CN=system:node:n1,O=system:nodes"
    assert (await identity.current()).certificate.startswith(b"-----BEGIN CERTIFICATE")
    again = NodeIdentity(tmp_path, "n1", clock=clock)
    assert await again.load()
    assert (await again.current()).key == (await identity.current()).key
    await clock.advance(11 * 86400)
    assert not await again.load()


async def test_it_is_replaced_before_it_runs_out(tmp_path: Path) -> None:
    clock, client = FakeClock(START), FakeClient()
    identity = NodeIdentity(tmp_path, "n1", clock=clock)
    asking = asyncio.create_task(identity.obtain(client))
    await answer(client, clock)
    await asking
    first = await identity.current()

    renewing = asyncio.create_task(identity.run(client))
    await clock.advance(6 * 86400)
    assert (await identity.current()) == first
    while len((await client.list(CERTIFICATE_SIGNING_REQUESTS)).items) < 2:
        await clock.advance(3600)
        await asyncio.sleep(0.005)
    await answer(client, clock)
    for _ in range(100):
        await clock.advance(1)
        await asyncio.sleep(0.01)
        if (await identity.current()) != first:
            break

    assert (await identity.current()) != first
    renewing.cancel()


async def test_a_denial_is_told(tmp_path: Path) -> None:
    clock, client = FakeClock(START), FakeClient()

    asking = asyncio.create_task(NodeIdentity(tmp_path, "n1", clock=clock).obtain(client))
    await answer(client, clock, denied=True)

    with pytest.raises(Refused, match="was denied: no"):
        await asking
