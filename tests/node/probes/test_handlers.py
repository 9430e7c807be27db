"""Every field of a probe's handler, and its time limit."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from cloudk8s.node.probes.handlers import Subject, ask, http_target
from cloudk8s.node.probes.http import Target
from cloudk8s.node.probes.outcome import Outcome, ProbeError
from cloudk8s.node.runtimes.interface import ExecResult, Runtime, RuntimeFailure
from cloudk8s_ingress.certificates import self_signed

SUBJECT = Subject({"name": "c", "ports": [{"name": "web", "containerPort": 8080}]}, "c-1", "10.0.0.1")
HERE = Subject({"name": "c"}, "c-1", "127.0.0.1")


class Commands:
    """A runtime whose commands are words."""

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: timedelta) -> ExecResult:
        if command[0] == "slow":
            raise TimeoutError
        if command[0] == "gone":
            raise RuntimeFailure("no such container")
        return ExecResult(int(command[0]), stdout=b"said", stderr=b" more")


async def outcome(handler: dict[str, Any], subject: Subject = HERE, *, seconds: float = 1) -> Outcome:
    return await ask(cast(Runtime, Commands()), subject, handler, timedelta(seconds=seconds))


@asynccontextmanager
async def serving(answer: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Answers once asked; says nothing where there is nothing to say."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer)
        if not answer:
            await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("action", "target"),
    [
        ({"port": 80}, Target("http", "10.0.0.1", 80, "/")),
        ({"port": "web", "path": "/x"}, Target("http", "10.0.0.1", 8080, "/x")),
        ({"port": "81", "path": "x?y=z"}, Target("http", "10.0.0.1", 81, "/x?y=z")),
        ({"port": 80, "host": "example.org", "scheme": "HTTPS"}, Target("https", "example.org", 80, "/")),
        (
            {"port": 80, "httpHeaders": [{"name": "A", "value": "b"}]},
            Target("http", "10.0.0.1", 80, "/", (("A", "b"),)),
        ),
    ],
)  # fmt: skip
def test_a_request_is_made_as_the_fields_say(action: dict[str, Any], target: Target) -> None:
    assert http_target(SUBJECT, action) == target


def test_addresses_of_the_newer_family_are_written_in_brackets() -> None:
    assert http_target(Subject({"name": "c"}, "c-1", "fd00::1"), {"port": 80}).url == "http://[fd00::1]:80/"


async def test_a_certificate_is_not_looked_at(tmp_path: Path) -> None:
    pair = self_signed(datetime.now(UTC))
    for name, content in (("crt", pair.certificate), ("key", pair.key)):
        (tmp_path / name).write_bytes(content)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", context) as port:
        assert await outcome({"httpGet": {"port": port, "scheme": "HTTPS"}}) == Outcome(True, "ok")
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as port:
        found = await outcome({"httpGet": {"port": port, "scheme": "HTTPS"}})
        assert found.text.endswith("http: server gave HTTP response to HTTPS client")
        assert not found.is_success


@pytest.mark.parametrize("kind", ["httpGet", "grpc"])
async def test_who_takes_longer_than_the_limit_has_failed(kind: str) -> None:
    async with serving(b"") as port:
        began = asyncio.get_running_loop().time()
        found = await outcome({kind: {"port": port}}, seconds=0.2)
        assert asyncio.get_running_loop().time() - began < 1
    assert not found.is_success
    words = {"httpGet": "context deadline exceeded", "grpc": "timeout: health rpc did not complete within 1s"}
    assert words[kind] in found.text


async def test_commands_have_an_outcome_a_limit_or_none_at_all() -> None:
    assert await outcome({"exec": {"command": ["0"]}}) == Outcome(True, "said more")
    assert await outcome({"exec": {"command": ["3"]}}) == Outcome(False, "said more")
    found = await outcome({"exec": {"command": ["slow", "one"]}}, seconds=5)
    assert found == Outcome(False, 'command timed out: "slow one" timed out after 5s')
    with pytest.raises(ProbeError, match="no such container"):
        await outcome({"exec": {"command": ["gone"]}})


async def test_sockets_have_hosts_and_names_of_ports() -> None:
    async with serving(b"x") as port:
        assert (await outcome({"tcpSocket": {"port": port, "host": "127.0.0.1"}}, SUBJECT)).is_success
        named = Subject({"name": "c", "ports": [{"name": "web", "containerPort": port}]}, "c-1", "127.0.0.1")
        assert (await outcome({"tcpSocket": {"port": "web"}}, named)).is_success
    with pytest.raises(ProbeError, match="couldn't find port: other"):
        await outcome({"tcpSocket": {"port": "other"}})
