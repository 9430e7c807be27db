"""The sending side of chunked answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cloudk8s.apiserver.http.limits import Limits

END = b"0\r\n\r\n"


class ChunkedWriter:
    """One running stream; fulfils `StreamWriter`.

    `ended(clean)` is called once, whoever ended it. `pause` and `resume` follow the transport's flow control.
    """

    __slots__ = ("_ended", "_limit", "_transport", "is_paused")

    def __init__(self, transport: asyncio.Transport, limits: Limits, ended: Callable[[bool], None]) -> None:
        self._transport: asyncio.Transport | None = transport
        self._limit = limits.stream_buffer_max
        self._ended = ended
        self.is_paused = False
        transport.set_write_buffer_limits(high=limits.stream_buffer)

    @property
    def is_closed(self) -> bool:
        return self._transport is None

    def write(self, data: bytes) -> None:
        if data:
            self.write_framed(b"%x\r\n%b\r\n" % (len(data), data))

    def write_framed(self, chunk: bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        transport.write(chunk)
        if self.is_paused and transport.get_write_buffer_size() > self._limit:
            self.cut_off()

    def close(self) -> None:
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
        transport.set_write_buffer_limits()
        self._ended(clean)
