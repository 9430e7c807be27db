"""What hooks of containers do, and when they have failed; real connections."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.pods import hooks
from cloudk8s.node.probes.handlers import Subject
from cloudk8s.node.runtimes.interface import ExecResult, Runtime
from cloudk8s_ingress.certificates import self_signed

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def answering(answer: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(4096))
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1], asked


async def run(action: dict[str, Any], runtime: object = None) -> list[str]:
    """Run a hook of a container whose pod is at loopback; the reasons of the events that it caused."""
    told: list[str] = []
    subject = Subject({"name": "c", "ports": [{"name": "web", "containerPort": 1}]}, "c-1", "127.0.0.1")
    await hooks.run(cast(Runtime, runtime), FakeClock(), subject, action, lambda reason, note: told.append(reason))
    return told


@pytest.mark.parametrize("answer", [NOT_FOUND, b"HTTP/1.1 500 No\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_any_answer_to_a_request_will_do(answer: bytes) -> None:
    async with answering(answer) as (port, asked):
        header = {"name": "X-From", "value": "hook"}
        assert await run({"httpGet": {"port": port, "path": "told?a=b", "httpHeaders": [header]}}) == []
    assert asked[0].startswith(b"GET /told?a=b HTTP/1.1\r\n")
    assert b"\r\nX-From: hook\r\n" in asked[0]
    assert b"\r\nUser-Agent: kube-lifecycle/" in asked[0]


async def test_redirects_are_followed() -> None:
    async with answering(NOT_FOUND) as (there, asked):
        moved = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{there}/there\r\nContent-Length: 0\r\n\r\n"
        async with answering(moved.encode()) as (port, _):
            await run({"httpGet": {"port": port}})
    assert asked[0].startswith(b"GET /there ")


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9\r\n", b""])
async def test_what_is_no_answer_is_a_failure(answer: bytes) -> None:
    async with answering(answer) as (port, _):
        with pytest.raises(hooks.HookFailed, match=r"Http lifecycle hook \(/x\) failed - error: Get "):
            await run({"httpGet": {"port": port, "path": "/x"}})


async def test_nobody_there_and_an_unknown_port_are_failures() -> None:
    with pytest.raises(hooks.HookFailed, match="connection refused"):
        await run({"httpGet": {"port": "web"}})
    with pytest.raises(hooks.HookFailed, match="couldn't find port: other"):
        await run({"httpGet": {"port": "other"}})


async def test_tls_is_spoken_without_asking_who_is_there(tmp_path: Path) -> None:
    pair = self_signed(datetime.now(UTC))
    for name, content in (("crt", pair.certificate), ("key", pair.key)):
        (tmp_path / name).write_bytes(content)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    async with answering(NOT_FOUND, context) as (port, asked):
        assert await run({"httpGet": {"port": port, "scheme": "HTTPS"}}) == []
    assert asked[0].startswith(b"GET / ")


async def test_who_does_not_speak_tls_is_asked_without_and_that_is_told() -> None:
    async with answering(b"HTTP/1.0 400 Bad Request\r\n\r\n") as (port, asked):
        secret = {"name": "Authorization", "value": "Bearer me"}
        told = await run({"httpGet": {"port": port, "scheme": "HTTPS", "httpHeaders": [secret]}})
    assert told == ["LifecycleHTTPFallback"]
    assert asked[-1].startswith(b"GET / ")
    assert b"Bearer" not in asked[-1]


async def test_a_command_must_succeed() -> None:
    class Commands:
        async def exec_sync(self, container_id: str, command: list[str], timeout: None) -> ExecResult:
            return ExecResult(int(command[0]), stdout=b"said")

    assert await run({"exec": {"command": ["0"]}}, Commands()) == []
    with pytest.raises(hooks.HookFailed, match="command '7' exited with 7: said"):
        await run({"exec": {"command": ["7"]}}, Commands())
