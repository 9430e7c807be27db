"""Byte streams in memory whose buffers are small, to see what happens when nobody reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from cloudk8s.apiserver.streaming.spdy import SpdyConnection


class End:
    """One end of a pair; a write waits while the other end has not read what was written before."""

    def __init__(self, inward: asyncio.Queue[bytes], outward: asyncio.Queue[bytes]) -> None:
        self._inward, self._outward = inward, outward
        self._has_ended = False

    async def read(self) -> bytes:
        data = b"" if self._has_ended else await self._inward.get()
        self._has_ended = not data
        return data

    async def write(self, data: bytes) -> None:
        if data:
            await self._outward.put(data)

    async def close(self) -> None:
        if not self._outward.full():
            self._outward.put_nowait(b"")


def pair(*, room: int = 2) -> tuple[End, End]:
    """Two ends with room for so many writes in each direction."""
    there, back = asyncio.Queue[bytes](room), asyncio.Queue[bytes](room)
    return End(there, back), End(back, there)


class Recorded:
    """A stream that has said everything and gone."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self) -> bytes:
        data, self._data = self._data, b""
        return data

    async def write(self, data: bytes) -> None:
        """Nobody listens."""

    async def close(self) -> None:
        """Nobody is there."""


@asynccontextmanager
async def running(connections: Sequence[SpdyConnection]) -> AsyncIterator[None]:
    """Have the connections read."""
    tasks = [asyncio.create_task(each.run()) for each in connections]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
