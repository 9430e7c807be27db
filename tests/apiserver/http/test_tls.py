from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from cryptography import x509

from cloudk8s.apiserver.http.interface import Hijack, Request, Response, Stream, StreamWriter
from cloudk8s.apiserver.http.limits import Limits
from cloudk8s.apiserver.http.tls import server_context
from cloudk8s.apiserver.pki import PKI, ensure
from cloudk8s.machinery.clock import FakeClock
from tests.apiserver.http.conftest import Connect, Serve


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> PKI:
    return ensure(tmp_path_factory.mktemp("tls"))


def context(pki: PKI) -> ssl.SSLContext:
    return server_context(pki.serving.certificate, pki.serving.key, client_ca=pki.ca.certificate)


def client(pki: PKI, file: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=pki.ca.certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    if file:
        context.load_cert_chain(pki.pair(file).certificate, pki.pair(file).key)
    return context


def who(request: Request) -> Response:
    certificate = request.connection.peer_certificate
    name = x509.load_der_x509_certificate(certificate).subject.rfc4514_string() if certificate else "nobody"
    return Response(200, name.encode())


async def test_client_certificates_are_optional(serve: Serve, connect: Connect, pki: PKI) -> None:
    server = await serve(who, ssl_context=context(pki))
    names = [(await (await connect(server, context=client(pki, file))).get("/")).body for file in ("", "admin")]
    assert names == [b"nobody", b"CN=kubernetes-admin,O=system:masters"]


async def test_speaks_http_1_1_only(serve: Serve, connect: Connect, pki: PKI) -> None:
    peer = await connect(await serve(who, ssl_context=context(pki)), context=client(pki))
    tls: ssl.SSLObject = peer.writer.get_extra_info("ssl_object")
    assert (tls.selected_alpn_protocol(), tls.version()) == ("http/1.1", "TLSv1.3")


async def test_a_certificate_of_another_authority_is_refused(
    serve: Serve, connect: Connect, pki: PKI, tmp_path: Path
) -> None:
    stranger = ensure(tmp_path)
    context_ = client(pki)
    context_.load_cert_chain(stranger.admin.certificate, stranger.admin.key)
    server = await serve(who, ssl_context=context(pki))
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        await (await connect(server, context=context_)).get("/")


async def test_large_answers_and_bodies_pass(serve: Serve, connect: Connect, pki: PKI) -> None:
    server = await serve(lambda request: Response(200, [request.body] * 5), ssl_context=context(pki))
    peer = await connect(server, context=client(pki))
    body = b"0123456789" * 200_000
    for _ in range(2):
        peer.ask("POST", "/", body=body)
        assert (await peer.reply()).body == body * 5


async def test_a_stop_under_tls_ends_streams_and_requests(
    serve: Serve, connect: Connect, pki: PKI, caplog: pytest.LogCaptureFixture
) -> None:
    release = asyncio.Event()

    async def slow(request: Request) -> Response:
        await release.wait()
        return Response(200, b"done")

    writers: list[StreamWriter] = []
    watch = Stream(writers.append, lambda: None)
    server = await serve(lambda request: watch if request.path == "/w" else slow(request), ssl_context=context(pki))
    peers = [await connect(server, context=client(pki)) for _ in range(3)]
    peers[0].ask("GET", "/w")
    peers[1].ask("GET", "/slow")
    await peers[0].head()
    await asyncio.sleep(0.01)
    drain = asyncio.create_task(server.drain())
    assert await peers[0].chunk() == b""
    release.set()
    assert (await peers[1].reply()).body == b"done"
    await drain
    assert server.connections == 0
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_plain_http_is_told_so(serve: Serve, connect: Connect, pki: PKI) -> None:
    peer = await connect(await serve(who, ssl_context=context(pki)))
    peer.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert b"Client sent an HTTP request to an HTTPS server" in await peer.reader.read()


async def test_a_handshake_has_its_time(serve: Serve, connect: Connect, pki: PKI) -> None:
    clock = FakeClock()
    server = await serve(who, ssl_context=context(pki), clock=clock)
    silent, quick = await connect(server), await connect(server, context=client(pki))
    silent.send(b"\x16\x03\x01")
    await asyncio.sleep(0.01)
    await clock.advance(16)
    assert await silent.is_closed_by_server()
    assert (await quick.get("/")).status == 200


async def test_input_may_wait_in_any_place(serve: Serve, connect: Connect, pki: PKI) -> None:
    release = asyncio.Event()

    async def slow(request: Request) -> Response:
        await release.wait()
        return Response(200, request.target.encode())

    server = await serve(slow, ssl_context=context(pki), limits=Limits(pipelined=2))
    peer = await connect(server, context=client(pki))
    for number in range(300):
        peer.ask("POST", f"/{number}", body=b"x" * 3000)
    await asyncio.sleep(0.01)
    release.set()
    assert [(await peer.reply()).body for _ in range(300)] == [b"/%d" % number for number in range(300)]


async def test_a_reader_that_stops_is_noticed(serve: Serve, connect: Connect, pki: PKI) -> None:
    writers: list[StreamWriter] = []
    limits = Limits(stream_buffer=100_000, stream_buffer_max=1_000_000)
    stream = Stream(writers.append, lambda: None)
    server = await serve(lambda request: stream, ssl_context=context(pki), limits=limits)
    peer = await connect(server, context=client(pki))
    peer.ask("GET", "/")
    await peer.head()
    for _ in range(1000):
        writers[0].write(b"x" * 100_000)
    assert writers[0].is_closed
    writers[0].write(b"ignored")


async def test_takes_over_connections(serve: Serve, connect: Connect, pki: PKI) -> None:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data.upper())
            await writer.drain()

    switch = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
    server = await serve(lambda request: Hijack(switch, take), ssl_context=context(pki))
    peer = await connect(server, context=client(pki))
    peer.send(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nearly")
    assert (await peer.head())[0] == 101
    assert await peer.reader.readexactly(5) == b"EARLY"
    peer.send(b"late")
    assert await peer.reader.readexactly(4) == b"LATE"


async def test_tls_1_2_clients_are_served(serve: Serve, connect: Connect, pki: PKI) -> None:
    old = client(pki, "admin")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    peer = await connect(await serve(who, ssl_context=context(pki)), context=old)
    assert (await peer.get("/")).body == b"CN=kubernetes-admin,O=system:masters"


async def test_garbage_instead_of_tls_hurts_nobody(serve: Serve, connect: Connect, pki: PKI) -> None:
    server, random = await serve(who, ssl_context=context(pki)), Random(3)
    for _ in range(50):
        peer = await connect(server)
        peer.send(b"\x16\x03\x01" * random.randrange(2) + random.randbytes(200))
        peer.writer.write_eof()
        with suppress(ConnectionError):
            await asyncio.wait_for(peer.reader.read(), 5)  # an alert, then the end
    assert (await (await connect(server, context=client(pki))).get("/")).status == 200
