"""Client-side rate limits: a token bucket for each API, shared by all threads, slower while a cloud refuses calls."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudk8s.cloud.stack.timing import SystemTimer, Timer


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls per second, and how many may come at once."""

    per_second: float
    burst: int


SLOWEST = 1 / 32
"""Share of its rate that an API keeps at least."""
DOUBLES_IN = 20.0
"""Seconds without a refusal after which an API that was slowed down runs at twice the speed."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    updated: float
    share: float = 1.0
    """Of the rate, while the cloud refuses calls."""


@dataclass(slots=True)
class Pace:
    """Make callers wait their turn. An API without a rate is not limited."""

    rates: Mapping[str, Rate] = field(default_factory=dict)
    timer: Timer = field(default_factory=SystemTimer)
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, api: str) -> None:
        """Block until a call of this API is due. Callers are served in the order of their arrival."""
        if rate := self.rates.get(api):
            wait = self._reserve(api, rate)
            if wait > 0:
                self.timer.pause(wait)

    def slow_down(self, api: str) -> None:
        """The cloud has refused a call as too fast: halve the rate, and spend no burst. It recovers by itself."""
        if rate := self.rates.get(api):
            with self._lock:
                bucket = self._refilled(api, rate)
                bucket.share = max(SLOWEST, bucket.share / 2)
                bucket.tokens = min(bucket.tokens, 0.0)

    def rate_of(self, api: str) -> float:
        """Calls a second that an API gets now; 0 is no limit."""
        if (rate := self.rates.get(api)) is None:
            return 0.0
        with self._lock:
            return self._refilled(api, rate).share * rate.per_second

    def _reserve(self, api: str, rate: Rate) -> float:
        with self._lock:
            bucket = self._refilled(api, rate)
            bucket.tokens -= 1
            return -bucket.tokens / (rate.per_second * bucket.share) if bucket.tokens < 0 else 0.0

    def _refilled(self, api: str, rate: Rate) -> _Bucket:
        now = self.timer.monotonic()
        bucket = self._buckets.setdefault(api, _Bucket(float(rate.burst), now))
        passed = now - bucket.updated
        bucket.tokens = min(rate.burst * bucket.share, bucket.tokens + passed * rate.per_second * bucket.share)
        bucket.share = min(1.0, bucket.share * 2 ** (passed / DOUBLES_IN))
        bucket.updated = now
        return bucket
