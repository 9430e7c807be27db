"""How long to wait before the next try: growing, jittered, forgiving after a quiet while."""

from __future__ import annotations

import random

from cloudk8s.machinery.clock import Clock


class Backoff:
    """Waits of `first` seconds growing by `factor` up to `limit`, each stretched by up to `jitter` of itself.

    When `next` is not called for `reset_after` seconds the waits start from `first` again.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        first: float = 0.8,
        limit: float = 30.0,
        factor: float = 2.0,
        jitter: float = 1.0,
        reset_after: float = 120.0,
        random_source: random.Random | None = None,
    ) -> None:
        self._clock = clock
        self._first = first
        self._limit = limit
        self._factor = factor
        self._jitter = jitter
        self._reset_after = reset_after
        self._random = random_source or random.Random()
        self._wait = first
        self._last = clock.monotonic()

    def next(self) -> float:
        """Seconds to wait now."""
        now = self._clock.monotonic()
        if now - self._last > self._reset_after:
            self.reset()
        self._last = now
        wait, self._wait = self._wait, min(self._wait * self._factor, self._limit)
        return wait * (1.0 + self._jitter * self._random.random())

    def reset(self) -> None:
        """Start from the first wait again."""
        self._wait = self._first
