"""Ways of asking a container how it is."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloudk8s.node.probes import grpc, http, tcp
from cloudk8s.node.probes.outcome import Verdict


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    asked: list[bytes] = []
    left = list(answers)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(left.pop(0))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


def response(status: int, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", body]).encode()


@pytest.mark.parametrize(("status", "good"), [(200, True), (204, True), (399, True), (400, False), (503, False)])
async def test_http_codes(status: int, good: bool) -> None:
    async with answering(response(status)) as (port, _):
        outcome = await http.probe(http.Target("http", "127.0.0.1", port, "/healthz"))

    assert outcome.is_success is good
    if not good:
        assert outcome.text == f"HTTP probe failed with statuscode: {status}"


async def test_headers_path_and_agent_are_sent() -> None:
    async with answering(response(200)) as (port, asked):
        headers = (("Host", "me.example"), ("X-Probe", "1"))
        await http.probe(http.Target("http", "127.0.0.1", port, "/a?b=c", headers))

    lines = asked[0].decode().split("\r\n")
    assert lines[0] == "GET /a?b=c HTTP/1.1"
    assert "Host: me.example" in lines
    assert "X-Probe: 1" in lines
    assert any(line.startswith("User-Agent: kube-probe/") for line in lines)


async def test_redirects_are_followed_on_the_same_host_only() -> None:
    async with answering(response(302, "Location: /there"), response(500)) as (port, asked):
        outcome = await http.probe(http.Target("http", "127.0.0.1", port, "/"))
    assert not outcome.is_success
    assert asked[1].startswith(b"GET /there ")

    async with answering(response(302, "Location: http://elsewhere.example/")) as (port, _):
        outcome = await http.probe(http.Target("http", "127.0.0.1", port, "/"))
    assert outcome.is_success
    assert outcome.text.startswith("Probe terminated redirects")


async def test_nobody_there_is_a_failure() -> None:
    outcome = await http.probe(http.Target("http", "127.0.0.1", 1, "/"))
    assert "connection refused" in outcome.text
    assert "connection refused" in (await tcp.probe("127.0.0.1", 1)).text
    assert "connection refused" in (await grpc.probe("127.0.0.1", 1, "", timeout_seconds=1)).text


async def test_tcp_opens_a_connection() -> None:
    async with answering(b"") as (port, _):
        assert (await tcp.probe("127.0.0.1", port)).is_success


@pytest.mark.parametrize(
    ("status", "good", "text"),
    [(1, True, 'service healthy, status="SERVING"'), (2, False, 'service unhealthy (responded with "NOT_SERVING")')],
)
async def test_grpc_health(status: int, good: bool, text: str) -> None:
    seen = b""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        assert await reader.readexactly(24) == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        writer.write(frame(4, 0, 0, b"") + frame(4, 1, 0, b""))
        while b"my.service" not in seen:
            seen += await reader.read(4096)
        message = bytes((0x08, status))
        writer.write(frame(1, 4, 1, b"\x88") + frame(0, 0, 1, b"\0" + struct.pack(">I", len(message)) + message))
        await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        outcome = await grpc.probe("127.0.0.1", port, "my.service", timeout_seconds=1)

    assert (outcome.is_success, outcome.text) == (good, text)
    assert b"/grpc.health.v1.Health/Check" in seen


def test_a_verdict_needs_a_row_of_equal_outcomes() -> None:
    verdict = Verdict("success", success_threshold=2, failure_threshold=3)

    for outcome, health in ((False, "success"), (False, "success"), (True, "success"), (False, "success"),
                            (False, "success"), (False, "failure"), (True, "failure"), (True, "success")):  # fmt: skip
        verdict.observe(outcome)
        assert verdict.health == health


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + struct.pack(">I", stream) + payload


@pytest.fixture
async def grpc_server() -> AsyncIterator[int]:
    """A real one, whose health is told by service: none serves, `ill` does not, `other` is not known."""
    library = pytest.importorskip("grpc.aio", reason="gRPC is not installed")
    import grpc as words

    async def check(request: bytes, context: Any) -> bytes:
        if request == b"\n\x05other":
            await context.abort(words.StatusCode.NOT_FOUND, "unknown service")
        return b"\x08\x02" if request == b"\n\x03ill" else b"\x08\x01"

    handler = words.unary_unary_rpc_method_handler(check)
    server = library.server()
    server.add_generic_rpc_handlers(
        [words.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield port
    await server.stop(None)


async def test_a_real_server_is_understood(grpc_server: int) -> None:
    found = [await grpc.probe("127.0.0.1", grpc_server, service, timeout_seconds=1) for service in ("", "ill", "other")]
    assert [each.is_success for each in found] == [True, False, False]
    assert found[1].text == 'service unhealthy (responded with "NOT_SERVING")'
