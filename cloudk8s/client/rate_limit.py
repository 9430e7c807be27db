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
        if wait := self.reserve():
            await self._clock.sleep(wait)

    def reserve(self) -> float:
        """Take one at once, and say in how many seconds it is there."""
        if self._qps <= 0:
            return 0.0
        self._refill()
        self._tokens -= 1
        return max(0.0, -self._tokens / self._qps)

    def try_take(self) -> bool:
        """Take one if there is one; False otherwise, and nothing is taken."""
        if self._qps <= 0:
            return True
        self._refill()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _refill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._qps)
        self._at = now
