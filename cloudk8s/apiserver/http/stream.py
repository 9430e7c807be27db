"""The sending side of chunked answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cloudk8s.apiserver.http.limits import Limits
from cloudk8s.apiserver.http.outbox import EVENTS, Outbox

END = b"0\r\n\r\n"
ENOUGH = 64 * 1024
"""Bytes that are worth a write of their own, and do not wait for a turn."""


class ChunkedWriter:
    """One running stream; fulfils `StreamWriter`.

    `ended(clean)` is called once, whoever ended it. `pause` and `resume` follow the transport's flow control.
    """

    __slots__ = ("_drained", "_ended", "_limit", "_outbox", "_pending", "_size", "_transport", "is_paced", "is_paused")

    def __init__(
        self, transport: asyncio.Transport, limits: Limits, outbox: Outbox, ended: Callable[[bool], None]
    ) -> None:
        self._transport: asyncio.Transport | None = transport
        self._outbox = outbox
        self._pending: list[bytes] | None = None
        """What waits for this stream's turn; while there is any, the stream is in the outbox."""
        self._size = 0
        self._limit = limits.stream_buffer_max
        self._ended = ended
        self.is_paced = False
        self.is_paused = False
        self._drained: asyncio.Future[None] | None = None
        transport.set_write_buffer_limits(high=limits.stream_buffer)

    @property
    def is_closed(self) -> bool:
        return self._transport is None

    def write(self, data: bytes) -> None:
        if data:
            self.write_framed(b"%x\r\n%b\r\n" % (len(data), data))

    def write_framed(self, chunk: bytes) -> None:
        if self._transport is None:
            return
        if self._pending is None:
            self._pending = []
            self._outbox.add(self)
        self._pending.append(chunk)
        if len(self._pending) == EVENTS:
            self._outbox.hasten()
        self._size += len(chunk)
        if self._size > ENOUGH:
            self.flush()

    def flush(self) -> None:
        """Send what waits; one that does not keep up is cut off."""
        transport, pending = self._transport, self._pending
        if transport is None or not pending:
            return
        self._pending = None
        self._size = 0
        transport.write(pending[0] if len(pending) == 1 else b"".join(pending))
        if self.is_paused and transport.get_write_buffer_size() > self._limit:
            self.cut_off()

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False
        self._wake()

    async def drain(self) -> None:
        if self.is_paused and self._transport is not None:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained

    def close(self) -> None:
        self.flush()
        transport = self._transport
        if transport is not None:
            transport.write(END)
            self._end(transport, clean=True)

    def cut_off(self) -> None:
        """Drop the connection and what was not sent."""
        transport = self._transport
        if transport is not None:
            self._end(transport, clean=False)
            transport.abort()

    def lost(self) -> None:
        """The peer is gone."""
        if self._transport is not None:
            self._end(self._transport, clean=False)

    def _end(self, transport: asyncio.Transport, *, clean: bool) -> None:
        self._transport = None
        self._wake()
        transport.set_write_buffer_limits()
        self._ended(clean)

    def _wake(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)
