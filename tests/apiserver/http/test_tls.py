from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from cloudk8s.apiserver.http.interface import Request, Response, Stream, StreamWriter
from cloudk8s.apiserver.http.tls import server_context
from cloudk8s.apiserver.pki import PKI, ensure
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


async def test_plain_http_on_the_tls_port_does_not_hurt(serve: Serve, connect: Connect, pki: PKI) -> None:
    server = await serve(who, ssl_context=context(pki))
    plain = await connect(server)
    plain.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    await plain.is_closed_by_server()
    assert (await (await connect(server, context=client(pki))).get("/")).status == 200


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
