"""How long to wait before the next pod after failures: 10 s, doubled with each one, ten minutes at most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST = timedelta(seconds=10)
LIMIT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Record:
    """How many failures there were since the last success, and when the last one was."""

    failures: int = 0
    last: datetime | None = None

    def after(self, succeeded: Iterable[datetime], failed: Iterable[datetime]) -> Record:
        """The record with newly finished pods in it."""
        successes, failures = sorted(succeeded), sorted(failed)
        if successes:
            later = [moment for moment in failures if moment > successes[-1]]
            return Record(len(later), later[-1] if later else None)
        if failures:
            return Record(self.failures + len(failures), failures[-1])
        return self

    def left(self, now: datetime) -> timedelta:
        """How long to wait from now."""
        if not self.failures or self.last is None:
            return timedelta(0)
        return max(timedelta(0), self.last + delay(self.failures) - now)


def delay(failures: int) -> timedelta:
    """The wait after so many failures in a row."""
    return min(FIRST * 2 ** min(failures - 1, 30), LIMIT) if failures > 0 else timedelta(0)
