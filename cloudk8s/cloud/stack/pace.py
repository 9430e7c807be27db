"""Client-side rate limits: a token bucket for each API, shared by all threads."""

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


@dataclass(slots=True)
class _Bucket:
    tokens: float
    updated: float


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

    def _reserve(self, api: str, rate: Rate) -> float:
        with self._lock:
            now = self.timer.monotonic()
            bucket = self._buckets.setdefault(api, _Bucket(float(rate.burst), now))
            bucket.tokens = min(float(rate.burst), bucket.tokens + (now - bucket.updated) * rate.per_second)
            bucket.updated = now
            bucket.tokens -= 1
            return -bucket.tokens / rate.per_second if bucket.tokens < 0 else 0.0
