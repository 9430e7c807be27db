from __future__ import annotations

import asyncio
import socket

import pytest

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
