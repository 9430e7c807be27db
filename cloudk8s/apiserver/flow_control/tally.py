"""What happened to the requests of one flow schema at one level; read by `/metrics`."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

WAIT_BUCKETS: Final = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)
"""Upstream's bounds, in seconds."""


class Durations:
    """A histogram."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(WAIT_BUCKETS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(WAIT_BUCKETS, seconds)] += 1
        self.seconds += seconds


class Tally:
    """Plain counters: every request pays for them."""

    __slots__ = ("dispatched", "executing", "level", "rejected", "schema", "waited", "waiting")

    def __init__(self, schema: str, level: str) -> None:
        self.schema = schema
        self.level = level
        self.dispatched = 0
        self.executing = 0
        self.waiting = 0
        self.rejected: dict[str, int] = {}
        """By reason: queue-full, concurrency-limit, time-out, cancelled."""
        self.waited = {True: Durations(), False: Durations()}
        """How long requests waited that were then answered, and those that were not."""

    def reject(self, reason: str) -> None:
        self.rejected[reason] = self.rejected.get(reason, 0) + 1
