"""One priority level: seats, and queues of requests that have none yet.

Queues are served by start-time fair queuing: each has a virtual time at which its next request is due, the earliest is
next, and serving one moves the queue's time on by one. A flow that floods its queue waits for itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from datetime import timedelta
from time import perf_counter
from typing import Any, Final

from cloudk8s.apiserver.flow_control.seats import Limits, Pool
from cloudk8s.apiserver.flow_control.tally import Tally
from cloudk8s.errors import TooManyRequests

PATIENCE: Final = timedelta(seconds=15)
"""A quarter of upstream's request timeout."""


class Waiter:
    """A request in a queue."""

    __slots__ = ("has_left", "since", "tally", "turn")

    def __init__(self, tally: Tally) -> None:
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.tally = tally
        self.since = perf_counter()
        self.has_left = False


class Queue:
    """Waiting requests of the flows that were dealt this queue."""

    __slots__ = ("due", "waiters")

    def __init__(self) -> None:
        self.waiters: deque[Waiter] = deque()
        self.due = 0.0


class Level:
    """Hands out the seats of one level. For the event loop's thread only."""

    def __init__(self, name: str, pool: Pool, on_free: Callable[[], None], patience: timedelta = PATIENCE) -> None:
        self.name = name
        self.uid = ""
        self.limits = Limits(0, 0, 0)
        self.is_exempt = False
        self.taken = 0
        self.waiting = 0
        self.hand_size = 0
        self.queue_count = 0
        self._pool = pool
        self._on_free = on_free
        self._patience = patience
        self._queue_length = 0
        self._queues: dict[int, Queue] = {}
        self._virtual = 0.0

    def configure(self, spec: Mapping[str, Any], uid: str, limits: Limits) -> None:
        """Follow the level's configuration; requests that have a seat or wait stay where they are."""
        self.uid, self.limits = uid, limits
        self.is_exempt = spec.get("type") == "Exempt"
        response = (spec.get("limited") or {}).get("limitResponse") or {}
        queuing = (response.get("queuing") or {}) if response.get("type") == "Queue" else {}
        self.queue_count, self.hand_size = queuing.get("queues", 0), queuing.get("handSize", 0)
        self._queue_length = queuing.get("queueLengthLimit", 0)

    @property
    def is_closed(self) -> bool:
        """Whether no request at all can have a seat, however few there are."""
        return not self.is_exempt and self.limits.lower < 1 and (self.limits.upper < 1 or self._pool.size < 1)

    @property
    def borrowed(self) -> int:
        """Seats that come out of the pool."""
        return 0 if self.is_exempt else max(0, self.taken - self.limits.lower)

    def take(self) -> bool:
        """Take a seat now, if there is one and nobody waits for it."""
        return not self.waiting and self._take()

    def release(self) -> None:
        """Give a seat back, which goes to whoever is next."""
        self.taken -= 1
        if not self.is_exempt and self.taken >= self.limits.lower:
            self._pool.used -= 1
        self._on_free()

    def serve_next(self) -> bool:
        """Give a seat to the request that is due first; False where nobody waits or no seat is free."""
        first = self._first()
        if first is None or not self._take():
            return False
        index, queue = first
        self._virtual = queue.due
        queue.due += 1.0
        self._leave(queue.waiters[0], index)
        return True

    async def wait(self, hand: tuple[int, ...], tally: Tally) -> None:
        """Wait for a seat in the shortest queue of the hand; raises TooManyRequests."""
        if not self.queue_count or not hand:
            raise _refused(tally, "concurrency-limit")
        index = min(hand, key=lambda at: len(self._queues[at].waiters) if at in self._queues else 0)
        queue = self._queues.setdefault(index, Queue())
        if len(queue.waiters) >= self._queue_length:
            raise _refused(tally, "queue-full")
        if not queue.waiters:
            queue.due = max(queue.due, self._virtual)
        waiter = Waiter(tally)
        queue.waiters.append(waiter)
        self.waiting += 1
        tally.waiting += 1
        await self._turn(waiter, index)

    async def _turn(self, waiter: Waiter, index: int) -> None:
        served = False
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await waiter.turn
            served = True
        except TimeoutError:
            if not self._give_up(waiter, index):
                served = True
                return
            raise _refused(waiter.tally, "time-out") from None
        except asyncio.CancelledError:
            if not self._give_up(waiter, index):
                self.release()
            waiter.tally.reject("cancelled")
            raise
        finally:
            waiter.tally.waited[served].add(perf_counter() - waiter.since)

    def _first(self) -> tuple[int, Queue] | None:
        """The queue whose first request is due; requests that were given up in this moment leave."""
        while self.waiting:
            index = min((index for index, queue in self._queues.items() if queue.waiters), key=self._due)
            queue = self._queues[index]
            if not queue.waiters[0].turn.done():
                return index, queue
            self._leave(queue.waiters[0], index)
        return None

    def _leave(self, waiter: Waiter, index: int) -> None:
        """Take a request out of its queue; one that still waits has the seat."""
        queue = self._queues[index]
        queue.waiters.remove(waiter)
        waiter.has_left = True
        self.waiting -= 1
        waiter.tally.waiting -= 1
        if not waiter.turn.done():
            waiter.turn.set_result(None)

    def _give_up(self, waiter: Waiter, index: int) -> bool:
        """Leave the queue; False where the seat was given in the same moment."""
        if waiter.turn.done() and not waiter.turn.cancelled():
            return False
        if not waiter.has_left:
            waiter.turn.cancel()
            self._leave(waiter, index)
        return True

    def _take(self) -> bool:
        if self.is_exempt or self.taken < self.limits.lower:
            self.taken += 1
            return True
        if self.taken >= self.limits.upper or self._pool.used >= self._pool.size:
            return False
        self._pool.used += 1
        self.taken += 1
        return True

    def _due(self, index: int) -> float:
        return self._queues[index].due


def _refused(tally: Tally, reason: str) -> TooManyRequests:
    tally.reject(reason)
    return TooManyRequests("Too many requests, please try again later.", retry_after=timedelta(seconds=1))
