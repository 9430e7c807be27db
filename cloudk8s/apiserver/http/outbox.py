"""What streams have to send, in turns.

One write may concern thousands of watches, and each of them costs a system call. Chunks wait until their stream's turn
comes, some streams in every turn of the loop: requests are read and answered in between, and a stream whose turn comes
after several events sends them together. Order within a stream is kept; what is idle is not delayed noticeably.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cloudk8s.apiserver.http.stream import ChunkedWriter

STREAMS_A_TURN: Final = 64
"""Near a millisecond of work, so that requests do not wait long."""


class Outbox:
    """The streams of one server that have something to send, first come first served."""

    __slots__ = ("_is_scheduled", "_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[ChunkedWriter] = deque()
        self._is_scheduled = False

    def add(self, stream: ChunkedWriter) -> None:
        """Flush the stream soon."""
        self._waiting.append(stream)
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._is_scheduled = False
        waiting = self._waiting
        try:
            for _ in range(min(STREAMS_A_TURN, len(waiting))):
                waiting.popleft().flush()
        finally:
            if waiting:
                self._schedule()
