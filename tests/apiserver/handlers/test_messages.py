"""Watches over WebSockets, as browsers begin them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.api.protobuf.wire import fields
from cloudk8s.apiserver.http.interface import Hijack
from cloudk8s.apiserver.negotiation import PROTOBUF
from cloudk8s.apiserver.streaming import framed
from cloudk8s.apiserver.streaming.bytes import SocketStream
from cloudk8s.apiserver.streaming.framed import Messages
from cloudk8s.apiserver.streaming.websocket import WebSocket
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.machinery import codec, yaml_codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.handlers.following import refusal, sent

MAPS = "/api/v1/namespaces/default/configmaps"
BEARER = "base64url.bearer.authorization.k8s.io.dG9rZW4"
HANDSHAKE = {
    "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        yield running


@asynccontextmanager
async def conversation(answer: Hijack) -> AsyncIterator[tuple[WebSocket, asyncio.Task[None]]]:
    """The client's end of a hijacked connection, and the server's work on it."""
    ends: asyncio.Queue[Any] = asyncio.Queue()
    async with await asyncio.start_server(lambda *end: ends.put_nowait(end), "127.0.0.1", 0) as listener:
        near = await asyncio.open_connection("127.0.0.1", listener.sockets[0].getsockname()[1])
        work = asyncio.ensure_future(answer.take(*near))
        client = WebSocket(SocketStream(*await ends.get()), is_server=False)
        async with asyncio.timeout(5):
            yield client, work
            await client.close()
            await work


async def test_every_event_is_a_message(server: RunningApiServer) -> None:
    for name in ("a", "b"):
        await sent(server, "POST", MAPS, body={"metadata": {"name": name}})
    headers = HANDSHAKE | {"sec-websocket-protocol": f"{BEARER}, mine"}
    answer = await sent(server, "GET", MAPS, {"watch": "true"}, **headers)
    assert b"Sec-WebSocket-Protocol: mine\r\n" in answer.head
    async with conversation(answer) as (client, _):
        seen = [codec.decode(await client.receive() or b"") for _ in range(2)]
        assert [(event["type"], event["object"]["metadata"]["name"]) for event in seen] == [
            ("ADDED", "a"),
            ("ADDED", "b"),
        ]
        await sent(server, "DELETE", f"{MAPS}/a")
        assert codec.decode(await client.receive() or b"")["type"] == "DELETED"


async def test_a_watch_that_ends_closes_the_connection(server: RunningApiServer) -> None:
    await sent(server, "POST", MAPS, body={"metadata": {"name": "a"}})
    await server.core.store.compact(server.core.store.revision)
    answer = await sent(server, "GET", MAPS, {"watch": "true", "resourceVersion": "1"}, **HANDSHAKE)
    async with conversation(answer) as (client, work):
        assert codec.decode(await client.receive() or b"")["object"]["code"] == 410
        assert await client.receive() is None
        await work


async def test_the_first_state_may_be_larger_than_what_may_wait(
    server: RunningApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(framed, "_BACKLOG", 1000)
    for number in range(20):
        await sent(server, "POST", MAPS, body={"metadata": {"name": f"m{number:02}"}, "data": {"a": "b" * 200}})
    answer = await sent(server, "GET", MAPS, {"watch": "true"}, **HANDSHAKE)
    async with conversation(answer) as (client, _):
        seen = [codec.decode(await client.receive() or b"") for _ in range(20)]
        assert [event["object"]["metadata"]["name"] for event in seen] == [f"m{number:02}" for number in range(20)]


async def test_an_event_of_several_lines_is_one_message(server: RunningApiServer) -> None:
    await sent(server, "POST", MAPS, body={"metadata": {"name": "a"}, "data": {"a": "b"}})
    answer = await sent(server, "GET", MAPS, {"watch": "true"}, accept="application/yaml", **HANDSHAKE)
    async with conversation(answer) as (client, _):
        event = yaml_codec.decode(await client.receive() or b"")
        assert (event["type"], event["object"]["data"]) == ("ADDED", {"a": "b"})


async def test_events_in_protobuf_are_binary_messages_without_a_length(server: RunningApiServer) -> None:
    await sent(server, "POST", MAPS, body={"metadata": {"name": "a"}})
    answer = await sent(server, "GET", MAPS, {"watch": "true"}, accept=PROTOBUF, **HANDSHAKE)
    async with conversation(answer) as (client, _):
        event = dict(fields(await client.receive() or b""))
        assert event[1] == b"ADDED"
        assert isinstance(event[2], bytes)


@pytest.mark.parametrize("name", ["sec-websocket-key", "sec-websocket-version"])
async def test_a_handshake_without_its_parts_is_refused(server: RunningApiServer, name: str) -> None:
    answer = await sent(server, "GET", MAPS, {"watch": "true"}, **(HANDSHAKE | {name: ""}))
    assert refusal(answer)["code"] == 400


async def test_chunks_made_for_http_are_taken_apart() -> None:
    messages = Messages()
    messages.write_framed(b"4\r\na\nb\n\r\n2\r\nc\n\r\n")
    messages.close()
    assert [await messages.next() for _ in range(3)] == [b"a\nb\n", b"c\n", None]


def test_a_reader_that_falls_far_behind_is_cut_off() -> None:
    messages = Messages()
    for _ in range(17):
        messages.write(bytes(1 << 20))
    assert not messages.is_closed
    messages.write(b"more")
    assert messages.is_closed
