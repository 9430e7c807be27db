"""SPDY connections when peers do not read, hang up, or send what nobody wants."""

from __future__ import annotations

import asyncio

import pytest

from cloudk8s.apiserver.streaming import spdy
from cloudk8s.apiserver.streaming.spdy import SpdyConnection
from cloudk8s.apiserver.streaming.spdy_state import SpdyState

from .pipes import Recorded, pair, running

PATIENCE = 10


async def test_reading_goes_on_while_a_write_waits_for_the_peer() -> None:
    """So it is with a program that reads no more input before its output is taken."""
    near, far = pair()
    client, peer = SpdyConnection(near, is_server=False), SpdyState(is_server=True)
    async with asyncio.timeout(PATIENCE), running((client,)):
        opening = asyncio.create_task(client.open({}))
        await far.read()
        peer.reply(1)
        await far.write(peer.take())
        stream = await opening

        async def send() -> None:
            for _ in range(10):
                await stream.write(b"in")

        sending = asyncio.create_task(send())
        for _ in range(50):
            peer.send(1, b"out")
            await far.write(peer.take())
        assert not sending.done()
        assert [await stream.read() for _ in range(50)] == [b"out"] * 50
        for _ in range(10):
            await far.read()
        await sending


async def test_a_stream_that_nobody_reads_any_more_does_not_hold_up_others() -> None:
    near, far = pair()
    client, server = SpdyConnection(near, is_server=False), SpdyConnection(far, is_server=True)
    async with asyncio.timeout(PATIENCE), running((client, server)):
        left, other = await client.open({"name": "left"}), await client.open({"name": "other"})
        served_left, served_other = await server.accept(), await server.accept()
        assert served_left is not None
        assert served_other is not None
        served_left.leave()
        for _ in range(200):
            await left.write(b"x")
        await other.write(b"hello")
        assert await served_other.read() == b"hello"


async def test_a_peer_that_reads_nothing_does_not_keep_a_connection_from_closing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spdy, "_GOODBYE", 0.01)
    near, _ = pair(room=1)
    connection = SpdyConnection(near, is_server=False)
    connection.state.open({})
    await connection.flush()
    async with asyncio.timeout(PATIENCE):
        await connection.close()


async def test_a_stream_cannot_be_opened_where_the_peer_has_gone() -> None:
    connection = SpdyConnection(Recorded(b""), is_server=False)
    opening = asyncio.create_task(connection.open({}))
    await asyncio.sleep(0)
    await connection.run()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ConnectionResetError):
            await opening
        with pytest.raises(ConnectionResetError):
            await connection.open({})
