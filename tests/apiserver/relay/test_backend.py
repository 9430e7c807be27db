from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from cloudk8s.apiserver.http.interface import Hijack
from cloudk8s.apiserver.http.server import HTTPServer
from cloudk8s.apiserver.http.tls import server_context
from cloudk8s.apiserver.pki import ensure
from cloudk8s.apiserver.relay.backend import Target, send
from cloudk8s.errors import ServiceUnavailable


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    writer.close()


async def test_a_backend_of_another_network_is_reached_by_sockets_of_that():
    made: list[socket.socket] = []

    def sockets() -> socket.socket:
        made.append(socket.socket())
        made[-1].setblocking(False)
        return made[-1]

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        exchange = await send(Target("127.0.0.1", port, sockets=sockets), "GET", "/", {})
        assert b"".join([piece async for piece in exchange.body()]) == b"hi"
        exchange.close()
    with pytest.raises(ServiceUnavailable, match="dial tcp"):
        await send(Target("127.0.0.1", port, sockets=sockets), "GET", "/", {})
    assert len(made) == 2
    assert made[1].fileno() == -1


PIECES, PIECE = 40, b"x" * 10_000
"""More than a reader takes before it wants to wait, and less than what TLS takes meanwhile."""


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_what_a_backend_said_before_it_closed_is_read_however_late(
    tmp_path: Path, run: Callable[[Coroutine[Any, Any, bytes]], bytes]
):
    assert len(run(late_reading(tmp_path))) == PIECES * len(PIECE)


async def late_reading(directory: Path) -> bytes:
    """The body of an answer of a server that is gone before it is read."""
    keys, closed = ensure(directory), asyncio.Event()

    async def say_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(PIECES):
            writer.write(PIECE)
            await writer.drain()
        writer.close()
        closed.set()

    context = ssl.create_default_context(cafile=keys.ca.certificate)
    serving = server_context(keys.serving.certificate, keys.serving.key)
    hijack = Hijack(b"HTTP/1.1 200 OK\r\n\r\n", say_all)
    async with asyncio.timeout(10), HTTPServer(lambda _: hijack, serving, host="127.0.0.1", port=0) as server:
        exchange = await send(Target("127.0.0.1", server.port, context), "GET", "/", {})
        await closed.wait()
        for _ in range(200):
            await asyncio.sleep(0)  # the end arrives
        found = b"".join([piece async for piece in exchange.body()])
        exchange.close()
    return found
