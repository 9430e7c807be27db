from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

from cloudk8s.apiserver.http.interface import Response
from cloudk8s.apiserver.http.server import HTTPServer
from cloudk8s.apiserver.http.tls import server_context
from cloudk8s.apiserver.pki import ensure
from cloudk8s.apiserver.pki.renewal import keep_renewed
from cloudk8s.machinery.clock import FakeClock
from tests.apiserver.http.peer import Peer


async def served(port: int) -> bytes | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    peer = await Peer.connect(port, context)
    certificate: bytes | None = peer.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    peer.close()
    return certificate


async def asleep(clock: FakeClock) -> None:
    """Until the renewal waits for time to pass; it works in a thread."""
    while not clock.sleepers:
        await asyncio.sleep(0.001)


async def test_a_running_listener_serves_the_renewed_certificate(tmp_path: Path) -> None:
    clock, renewed = FakeClock(), asyncio.Event()
    pki = ensure(tmp_path, clock=clock)
    context = server_context(pki.serving.certificate, pki.serving.key)

    def load() -> None:
        context.load_cert_chain(pki.serving.certificate, pki.serving.key)
        renewed.set()

    async with HTTPServer(lambda request: Response(200), context) as server:
        keeping = asyncio.create_task(keep_renewed(pki, load))
        before = await served(server.port)
        await asleep(clock)
        await clock.advance(timedelta(days=1).total_seconds())
        await asleep(clock)
        assert not renewed.is_set()
        clock._elapsed += timedelta(days=310).total_seconds()
        await clock.advance(timedelta(days=1).total_seconds())
        await asyncio.wait_for(renewed.wait(), 5)
        assert await served(server.port) != before
        keeping.cancel()
