"""A work queue for reconcilers: no key twice at once, failures wait longer each time, and time is the clock's."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

from cloudk8s.client.queue_metrics import QueueMetrics
from cloudk8s.client.rate_limit import RateLimit
from cloudk8s.errors import CloudK8sError, Conflict, NotFound
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.machinery.tasks import changed_or_slept

BASE_DELAY = 0.005
MAX_DELAY = 1000.0

T = TypeVar("T")
_log = logging.getLogger(__name__)


class WorkQueue(Generic[T]):
    """De-duplicating queue of hashable items.

    Guaranteed: an item that is added while it is processed is processed again afterwards, never at the same time;
    an item added twice before it is taken is processed once. `timer` must run for delayed items to arrive;
    `run_workers` runs it.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        base_delay: float = BASE_DELAY,
        max_delay: float = MAX_DELAY,
        retries: RateLimit | None = None,
        instruments: Instruments | None = None,
    ) -> None:
        """`retries` limits those of all items together; with `instruments` the queue counts under its name."""
        self.name = name
        self._clock = clock
        self._base_delay = base_delay
        self._max_delay = max_delay
        self._retries = retries
        self._ready: deque[T] = deque()
        self._dirty: set[T] = set()
        self._processing: set[T] = set()
        self._failures: dict[T, int] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._delayed: list[tuple[float, int, T]] = []
        self._due: dict[T, float] = {}
        self._count = 0
        self._nearer = asyncio.Event()
        self._metrics = QueueMetrics(self, instruments, clock) if instruments is not None else None

    def __len__(self) -> int:
        """How many items wait to be taken; delayed ones not counted."""
        return len(self._ready)

    @property
    def is_idle(self) -> bool:
        """Nothing waits to be taken and nothing is being processed; delayed items may come."""
        return not self._ready and not self._processing

    def add(self, item: T) -> None:
        """Process the item soon."""
        if item in self._dirty:
            return
        self._dirty.add(item)
        if self._metrics is not None:
            self._metrics.added(item)
        if item not in self._processing:
            self._push(item)

    def add_after(self, item: T, delay: timedelta | float) -> None:
        """Process the item once `delay` (seconds if a number) has passed; the earliest of several such calls counts."""
        seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
        if self._metrics is not None:
            self._metrics.retried()
        if seconds <= 0:
            self.add(item)
            return
        due = self._clock.monotonic() + seconds
        if self._due.get(item, float("inf")) <= due:
            return
        self._due[item] = due
        self._count += 1
        heapq.heappush(self._delayed, (due, self._count, item))
        if self._delayed[0][2] == item:
            self._nearer.set()

    def add_rate_limited(self, item: T) -> None:
        """Process the item after its backoff: 5 ms, doubled with each call until `forget`; later where many retry."""
        failures = self._failures.get(item, 0)
        self._failures[item] = failures + 1
        wait = min(self._base_delay * 2.0 ** min(failures, 60), self._max_delay)
        self.add_after(item, max(wait, self._retries.reserve() if self._retries is not None else 0.0))

    def failures(self, item: T) -> int:
        """How often `add_rate_limited` was called since `forget`."""
        return self._failures.get(item, 0)

    def forget(self, item: T) -> None:
        """The item succeeded: its backoff starts from the beginning next time."""
        self._failures.pop(item, None)

    async def get(self) -> T:
        """Take the next item; `done` must follow."""
        while not self._ready:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._wake()
                raise
        item = self._ready.popleft()
        self._processing.add(item)
        self._dirty.discard(item)
        if self._metrics is not None:
            self._metrics.taken(item)
        return item

    def done(self, item: T) -> None:
        """The item taken with `get` has been processed."""
        self._processing.discard(item)
        if self._metrics is not None:
            self._metrics.done(item)
        if item in self._dirty:
            self._push(item)

    async def timer(self) -> None:
        """Move delayed items to the queue when their time comes, until cancelled."""
        while True:
            self._release()
            self._nearer.clear()
            if not self._delayed:
                await self._nearer.wait()
                continue
            await changed_or_slept(self._nearer, self._clock, self._delayed[0][0] - self._clock.monotonic())

    def _release(self) -> None:
        now = self._clock.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            due, _, item = heapq.heappop(self._delayed)
            if self._due.get(item) == due:
                del self._due[item]
                self.add(item)

    def _push(self, item: T) -> None:
        self._ready.append(item)
        self._wake()

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


Reconcile = Callable[[T], Awaitable[timedelta | None]]
"""Bring one item in order; returns when to look again, None if nothing but a change calls for it."""


async def run_workers(queue: WorkQueue[T], workers: int, reconcile: Reconcile[T]) -> None:
    """Process the queue with `workers` tasks at once until cancelled; what raises is retried with backoff."""
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.timer(), name=f"{queue.name} timer")
        for number in range(workers):
            group.create_task(_work(queue, reconcile), name=f"{queue.name} worker {number}")


async def _work(queue: WorkQueue[T], reconcile: Reconcile[T]) -> None:
    while True:
        item = await queue.get()
        try:
            await _process(queue, item, reconcile)
        finally:
            queue.done(item)


async def _process(queue: WorkQueue[T], item: T, reconcile: Reconcile[T]) -> None:
    try:
        requeue_after = await reconcile(item)
    except (Conflict, NotFound) as error:
        _log.debug("%s: %s: %s; trying again", queue.name, item, error)
        queue.add_rate_limited(item)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the item is tried again
        level = logging.WARNING if queue.failures(item) < 5 else logging.ERROR
        is_told = isinstance(error, CloudK8sError)  # what our own errors say is enough
        _log.log(level, "%s: %s: %s; trying again", queue.name, item, error, exc_info=not is_told)
        queue.add_rate_limited(item)
    else:
        queue.forget(item)
        if requeue_after is not None:
            queue.add_after(item, requeue_after)
