"""What streams have to send, in turns and in rounds.

One write may concern thousands of watches, and each of them costs a system call. Chunks wait until their stream's turn
comes, some streams in every turn of the loop: requests are read and answered in between. What a stream is given after
its turn waits for the next round, and a long round is followed by a pause: until a stream has several events to send,
but at least as long as the round was. So the first of several events leaves at once, those that follow leave in one
piece for each stream, and sending takes half of the loop's time at most. Order within a stream is kept; where few
watch, nothing is delayed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cloudk8s.apiserver.http.stream import ChunkedWriter

STREAMS_A_TURN: Final = 128
"""Near two milliseconds of work, so that requests do not wait long."""
LONG: Final = 64
"""A round of no more streams than these is not followed by a pause."""
EVENTS: Final = 5
"""So many for one stream are worth a round: a client reads them for little more than the first of them."""
LEAST: Final = 1.0
"""How many times as long as a long round the pause after it is at least, however much there is to send."""
PAUSE: Final = 2.5
"""The same where less comes in: clients need that time to read what was sent."""
MAX_PAUSE: Final = 0.03
"""Seconds; thousands of watches need longer for a round, and are not made to wait in proportion."""


class Outbox:
    """The streams of one server that have something to send, first come first served."""

    __slots__ = ("_has_enough", "_is_busy", "_loop", "_now", "_pause", "_round", "_spent", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop, now: Callable[[], float] = perf_counter) -> None:
        self._loop = loop
        self._now = now
        self._waiting: deque[ChunkedWriter] = deque()
        self._round: deque[ChunkedWriter] = deque()
        self._spent = 0.0
        self._is_busy = False
        """A round is under way, or the pause after it."""
        self._has_enough = False
        """Since the last round began, a stream has got as many events as are worth the next."""
        self._pause: asyncio.TimerHandle | None = None
        """What is left of a pause that may be cut short."""

    def add(self, stream: ChunkedWriter) -> None:
        """Flush the stream in the next round."""
        self._waiting.append(stream)
        if not self._is_busy:
            self._is_busy = True
            self._loop.call_soon(self._begin)

    def hasten(self) -> None:
        """A stream has enough to send for a round to be worth it."""
        self._has_enough = True
        if self._pause is not None:
            self._pause.cancel()
            self._rest()

    def _begin(self) -> None:
        """Begin a round with all that wait."""
        self._has_enough = False
        self._round, self._waiting = self._waiting, self._round
        self._spent = 0.0
        self._take_turns(is_long=len(self._round) > LONG)

    def _take_turns(self, *, is_long: bool) -> None:
        streams, started = self._round, self._now()
        try:
            for _ in range(min(STREAMS_A_TURN, len(streams))):
                streams.popleft().flush()
        finally:
            self._spent += self._now() - started
            self._go_on(is_long)

    def _go_on(self, is_long: bool) -> None:
        if self._round:
            self._loop.call_soon(lambda: self._take_turns(is_long=is_long))
        elif is_long:
            self._loop.call_later(min(self._spent * LEAST, MAX_PAUSE), self._wait_for_more)
        else:
            self._rest()

    def _wait_for_more(self) -> None:
        """The least pause is over; go on with it unless enough has come."""
        left = min(self._spent * PAUSE, MAX_PAUSE) - min(self._spent * LEAST, MAX_PAUSE)
        if self._has_enough or left <= 0:
            self._rest()
        else:
            self._pause = self._loop.call_later(left, self._rest)

    def _rest(self) -> None:
        """The pause is over: begin again if someone waits."""
        self._pause = None
        self._is_busy = bool(self._waiting)
        if self._is_busy:
            self._loop.call_soon(self._begin)
