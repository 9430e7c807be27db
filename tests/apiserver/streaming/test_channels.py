"""Channels over SPDY: what comes together with the end of the connection."""

from __future__ import annotations

import asyncio
from collections import Counter

from cloudk8s.apiserver.streaming import channels as channel
from cloudk8s.apiserver.streaming.channels import SpdyChannels
from cloudk8s.apiserver.streaming.spdy import SpdyConnection
from cloudk8s.apiserver.streaming.spdy_state import SpdyState

from .pipes import Recorded

PIECES = 60


async def test_the_end_of_a_connection_comes_after_all_that_was_sent_on_it() -> None:
    peer = SpdyState(is_server=False)
    numbers = (channel.ERROR, channel.STDIN, channel.RESIZE)
    streams = {number: peer.open({"streamtype": channel.NAMES[number]}) for number in numbers}
    for _ in range(PIECES):
        peer.send(streams[channel.STDIN], b"x")
        peer.send(streams[channel.RESIZE], b"y")
    peer.end(streams[channel.STDIN])
    peer.go_away()
    connection = SpdyConnection(Recorded(peer.take()), is_server=True)
    channels = SpdyChannels(connection, channel.V4)
    async with asyncio.timeout(10):
        await connection.run()
        assert await channels.expect(set(numbers))
        for _ in range(20):
            await asyncio.sleep(0)  # all that can be under way is
        seen, ends = Counter[int](), set[int]()
        while (piece := await channels.read()) is not None:
            seen[piece.channel] += len(piece.data)
            ends |= {piece.channel} if piece.is_end else set()
        assert await channels.read() is None, "and stays"
    assert seen == {channel.STDIN: PIECES, channel.RESIZE: PIECES, channel.ERROR: 0}
    assert ends == set(numbers)
    await channels.close()
