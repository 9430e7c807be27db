"""How many requests may be under way at once, and who is next when there are too many.

Reads are answered at once and never wait; this is for requests that do. Everyone's requests queue apart, and free
seats go round the queues, so one client that floods the server delays itself. A full queue, and a request that has
waited too long, are 429 with `Retry-After`. Administrators are exempt, as upstream.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from cloudk8s.apiserver.authentication.user import MASTERS, UserInfo
from cloudk8s.errors import TooManyRequests


@dataclass(frozen=True, slots=True)
class FlowLimits:
    """Upstream's 400 reads and 200 writes in flight, as one number; queues are per user."""

    seats: int = 600
    queue_length: int = 100
    patience: timedelta = timedelta(seconds=15)


class FairQueue:
    """Seats for requests, handed round between users."""

    def __init__(self, limits: FlowLimits | None = None) -> None:
        self._limits = limits or FlowLimits()
        self._taken = 0
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def in_flight(self) -> int:
        """Requests that have a seat."""
        return self._taken

    @property
    def waiting(self) -> int:
        """Requests that have none yet."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def seat(self, user: UserInfo) -> AsyncIterator[None]:
        """Hold a seat while the block runs; raises TooManyRequests."""
        if MASTERS in user.groups:
            yield
            return
        if self._taken < self._limits.seats and not self._waiting:
            self._taken += 1
        else:
            await self._wait(user.name)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, user: str) -> None:
        queue = self._waiting.setdefault(user, deque())
        if len(queue) >= self._limits.queue_length:
            raise _too_many()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(self._limits.patience.total_seconds()):
                await turn
        except TimeoutError:
            self._leave(user, turn)
            raise _too_many() from None
        except asyncio.CancelledError:
            self._leave(user, turn)
            raise

    def _leave(self, user: str, turn: asyncio.Future[None]) -> None:
        """Give up a place, or the seat that was given in the same moment."""
        if turn.done() and not turn.cancelled():
            self._pass_on()
            return
        queue = self._waiting.get(user)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[user]

    def _pass_on(self) -> None:
        """Give the seat to the first of the next queue, which then goes to the end of the round."""
        while self._waiting:
            user = next(iter(self._waiting))
            queue = self._waiting.pop(user)
            turn = queue.popleft()
            if queue:
                self._waiting[user] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._taken -= 1


def _too_many() -> TooManyRequests:
    text = "Too many requests, please try again later."
    return TooManyRequests(text, retry_after=timedelta(seconds=1))
