"""What a work queue counts, under upstream's names.

https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

from collections.abc import Hashable, Sized
from typing import Final, Protocol

from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.instruments import Instruments, exponential

SECONDS: Final = exponential(10e-9, 10, 12)
_NAME: Final = ("name",)


class Queue(Sized, Protocol):
    """What is counted: its length is how many items wait."""

    name: str


class QueueMetrics:
    """Counts for one queue, told of every step of an item."""

    def __init__(self, queue: Queue, instruments: Instruments, clock: Clock) -> None:
        self._clock, self._at = clock, (queue.name,)
        self._added: dict[Hashable, float] = {}
        self._taken: dict[Hashable, float] = {}
        gauge, counter, histogram = instruments.gauge, instruments.counter, instruments.histogram
        self._adds = counter("workqueue_adds_total", "Total number of adds handled by workqueue", _NAME)
        self._retries = counter("workqueue_retries_total", "Total number of retries handled by workqueue", _NAME)
        waited = "How long in seconds an item stays in workqueue before being requested."
        self._waited = histogram("workqueue_queue_duration_seconds", waited, SECONDS, _NAME).of(queue.name)
        worked = "How long in seconds processing an item from workqueue takes."
        self._worked = histogram("workqueue_work_duration_seconds", worked, SECONDS, _NAME).of(queue.name)
        self._adds.values.setdefault(self._at, 0.0)
        self._retries.values.setdefault(self._at, 0.0)
        gauge("workqueue_depth", "Current depth of workqueue", _NAME).read_from(lambda: {self._at: len(queue)})
        gauge(
            "workqueue_unfinished_work_seconds",
            "How many seconds of work has done that is in progress and hasn't been observed by work_duration. Large "
            "values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which "
            "this increases.",
            _NAME,
        ).read_from(lambda: {self._at: sum(self._running())})
        gauge(
            "workqueue_longest_running_processor_seconds",
            "How many seconds has the longest running processor for workqueue been running.",
            _NAME,
        ).read_from(lambda: {self._at: max(self._running(), default=0.0)})

    def added(self, item: Hashable) -> None:
        """The item has to be processed."""
        self._adds.values[self._at] += 1
        self._added.setdefault(item, self._clock.monotonic())

    def retried(self) -> None:
        """An item is to be processed later."""
        self._retries.values[self._at] += 1

    def taken(self, item: Hashable) -> None:
        """A worker has the item."""
        now = self._clock.monotonic()
        self._taken[item] = now
        self._waited.observe(now - self._added.pop(item, now))

    def done(self, item: Hashable) -> None:
        """The worker is done with it."""
        began = self._taken.pop(item, None)
        if began is not None:
            self._worked.observe(self._clock.monotonic() - began)

    def _running(self) -> list[float]:
        now = self._clock.monotonic()
        return [now - began for began in self._taken.values()]
