"""Certificates that are renewed in their files."""

from __future__ import annotations

import asyncio
import os
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cloudk8s.apiserver.http import tls
from cloudk8s.apiserver.http.interface import Response
from cloudk8s.apiserver.http.server import HTTPServer
from cloudk8s.apiserver.pki.certificate import issue
from cloudk8s.apiserver.pki.profile import Profile
from cloudk8s.controlplane.diagnostics.renewal import PERIOD, FileRenewal
from cloudk8s.machinery.clock import FakeClock


def write(directory: Path) -> tuple[Path, Path]:
    made = issue(Profile("s", "s", hosts=("127.0.0.1",)), None, datetime.now(UTC))
    certificate, key = directory / "tls.crt", directory / "tls.key"
    for file, content in ((certificate, made.certificate), (key, made.key)):
        fresh = file.with_suffix(".new")
        fresh.write_bytes(content)
        os.replace(fresh, file)
    return certificate, key


async def test_a_renewed_certificate_is_served_to_whoever_connects_next(tmp_path: Path) -> None:
    certificate, key = write(tmp_path)
    context, clock = tls.server_context(certificate, key), FakeClock()
    renewal = FileRenewal(context, certificate=certificate, key=key, client_ca=None)
    following = asyncio.create_task(renewal.follow(clock=clock))
    async with HTTPServer(lambda request: Response(200), context) as server:
        address = ("127.0.0.1", server.port)
        first = await asyncio.to_thread(ssl.get_server_certificate, address)
        write(tmp_path)
        assert await asyncio.to_thread(ssl.get_server_certificate, address) == first
        await clock.advance(PERIOD + 1)
        async with asyncio.timeout(10):
            while await asyncio.to_thread(ssl.get_server_certificate, address) == first:
                await asyncio.sleep(0.01)
    following.cancel()


def test_half_a_renewal_is_waited_for(tmp_path: Path) -> None:
    certificate, key = write(tmp_path)
    old = key.read_bytes()
    renewal = FileRenewal(tls.server_context(certificate, key), certificate=certificate, key=key, client_ca=None)
    write(tmp_path)
    new = key.read_bytes()
    key.write_bytes(old)
    assert renewal.changed() is None
    key.write_bytes(new)
    found = renewal.changed()
    assert found is not None
    renewal.apply(found)
    assert renewal.changed() is None
