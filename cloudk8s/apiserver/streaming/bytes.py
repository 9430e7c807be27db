"""A two-way stream of bytes, whatever carries it."""

from __future__ import annotations

import asyncio
from typing import Protocol

CHUNK = 65536


class ByteStream(Protocol):
    """Bytes both ways."""

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""

    async def write(self, data: bytes) -> None:
        """Send, waiting while the peer does not read; ConnectionError once it has gone."""

    async def close(self) -> None:
        """End it. Idempotent."""


class SocketStream:
    """A `ByteStream` over asyncio's streams; `received` is what was read ahead."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, received: bytes = b"") -> None:
        self._reader, self._writer, self._received = reader, writer, received

    async def read(self) -> bytes:
        if self._received:
            received, self._received = self._received, b""
            return received
        try:
            return await self._reader.read(CHUNK)
        except ConnectionError:
            return b""

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()


async def copy(source: ByteStream, target: ByteStream) -> None:
    """Copy until the source ends."""
    while data := await source.read():
        await target.write(data)
