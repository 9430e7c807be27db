"""A token bucket: so many requests per second, with bursts."""

from __future__ import annotations

from cloudk8s.machinery.clock import Clock


class RateLimit:
    """`qps` 0 does not limit. Waiters are served in the order they came."""

    def __init__(self, clock: Clock, *, qps: float, burst: int) -> None:
        self._clock = clock
        self._qps = qps
        self._burst = float(max(burst, 1))
        self._tokens = self._burst
        self._at = clock.monotonic()

    async def take(self) -> None:
        """Return when one request may be sent."""
        if self._qps <= 0:
            return
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._qps)
        self._at = now
        self._tokens -= 1
        if self._tokens < 0:
            await self._clock.sleep(-self._tokens / self._qps)

    def try_take(self) -> bool:
        """Take one if there is one; False otherwise, and nothing is taken."""
        if self._qps <= 0:
            return True
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._qps)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
