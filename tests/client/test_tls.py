"""Connections by TLS: many share one pair of buffers, and what fails is said in the library's words."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest

from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.apiserver.http.server import HTTPServer
from cloudk8s.apiserver.http.tls import server_context
from cloudk8s.apiserver.pki import PKI, ensure
from cloudk8s.client.http import HttpPool, Unreachable
from cloudk8s.client.tls import ClientTransport

BODY = bytes(range(256)) * 4096
"""A megabyte: many records, and more than one turn of the loop."""


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> PKI:
    return ensure(tmp_path_factory.mktemp("tls"))


def answer(request: Request) -> Response:
    return Response(200, request.body or BODY, "application/octet-stream")


@pytest.fixture
async def server(pki: PKI) -> AsyncIterator[HTTPServer]:
    async with HTTPServer(answer, server_context(pki.serving.certificate, pki.serving.key)) as server:
        yield server


def pool(pki: PKI, port: int, *, knows: bool = True) -> HttpPool:
    made = HttpPool("127.0.0.1", port, server_name="localhost")
    made.use_tls(ssl.create_default_context(cafile=pki.ca.certificate if knows else None))
    return made


async def test_answers_of_many_connections_at_once_do_not_mix(pki: PKI, server: HTTPServer) -> None:
    connections = pool(pki, server.port)

    async def ask(number: int) -> bytes:
        connection, _ = await connections.take()
        body = bytes([number]) * 100_000 if number else b""
        response = await connection.send(request(body))
        content = await response.read()
        connections.give(connection)
        return content

    found = await asyncio.gather(*map(ask, range(12)))
    assert found == [BODY, *(bytes([number]) * 100_000 for number in range(1, 12))]
    connection, is_used = await connections.take()
    assert is_used
    assert await (await connection.send(request(b"again"))).read() == b"again"
    connections.close()
    connection.close()


async def test_no_connection_has_buffers_of_its_own(pki: PKI, server: HTTPServer) -> None:
    connections = pool(pki, server.port)
    taken = [(await connections.take())[0] for _ in range(3)]
    transports = [each._transport for each in taken]
    assert all(isinstance(each, ClientTransport) for each in transports)
    assert len({id(each._buffers) for each in transports if isinstance(each, ClientTransport)}) == 1
    for each in taken:
        each.close()


async def test_a_server_that_is_not_known_is_refused(pki: PKI, server: HTTPServer) -> None:
    with pytest.raises(Unreachable, match="certificate verify failed"):
        await pool(pki, server.port, knows=False).take()


async def test_a_server_of_another_name_is_refused(pki: PKI, server: HTTPServer) -> None:
    other = HttpPool("127.0.0.1", server.port, server_name="other.example")
    other.use_tls(ssl.create_default_context(cafile=pki.ca.certificate))
    with pytest.raises(Unreachable, match=r"other\.example"):
        await other.take()


async def test_a_server_that_hangs_up_or_speaks_no_tls_is_unreachable(pki: PKI) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    for serve in (hang_up, speak_plainly):
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
            with pytest.raises(Unreachable):
                await pool(pki, listener.sockets[0].getsockname()[1]).take()


async def test_an_answer_without_a_length_ends_with_the_connection(pki: PKI) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        writer.close()

    context = server_context(pki.serving.certificate, pki.serving.key)
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as listener:
        connection, _ = await pool(pki, listener.sockets[0].getsockname()[1]).take()
        assert await (await connection.send(request(b""))).read() == b"all of it"


async def test_one_that_is_given_up_in_the_handshake_leaves_no_connection(pki: PKI) -> None:
    greeted, closed = asyncio.Event(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            greeted.set()
        closed.set()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as listener:
        asking = asyncio.create_task(pool(pki, listener.sockets[0].getsockname()[1]).take())
        await greeted.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(5):
            await closed.wait()


def request(body: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
