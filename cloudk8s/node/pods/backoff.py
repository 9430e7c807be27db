"""How long a failing container or image pull waits: 10 s, doubled up to 5 minutes, forgotten after 10 quiet minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST = timedelta(seconds=10)
LIMIT = timedelta(minutes=5)


@dataclass(slots=True)
class _Entry:
    wait: timedelta
    updated: datetime


class Backoff:
    """Waits by key. Times are handed in, so that the caller's clock rules."""

    def __init__(self, *, first: timedelta = FIRST, limit: timedelta = LIMIT) -> None:
        self._first, self._limit = first, limit
        self._entries: dict[str, _Entry] = {}

    def remaining(self, key: str, *, since: datetime, now: datetime) -> timedelta:
        """How much of the present wait is left after a failure at `since`; zero is "go on"."""
        entry = self._entries.get(key)
        if entry is None or self._is_forgotten(entry, now):
            return timedelta(0)
        return max(timedelta(0), entry.wait - (now - since))

    def left(self, key: str, *, now: datetime) -> timedelta:
        """How much of the present wait is left since the last try."""
        entry = self._entries.get(key)
        return timedelta(0) if entry is None else self.remaining(key, since=entry.updated, now=now)

    def wait(self, key: str) -> timedelta:
        """The present wait of a key."""
        entry = self._entries.get(key)
        return entry.wait if entry else timedelta(0)

    def next(self, key: str, *, now: datetime) -> None:
        """Note one more try: the wait after it is twice the last one."""
        entry = self._entries.get(key)
        if entry is None or self._is_forgotten(entry, now):
            self._entries[key] = _Entry(self._first, now)
        else:
            self._entries[key] = _Entry(min(entry.wait * 2, self._limit), now)

    def reset(self, key: str) -> None:
        """Forget a key."""
        self._entries.pop(key, None)

    def forget(self, prefix: str) -> None:
        """Forget all keys that begin so."""
        for key in [key for key in self._entries if key.startswith(prefix)]:
            del self._entries[key]

    def _is_forgotten(self, entry: _Entry, now: datetime) -> bool:
        return now - entry.updated > self._limit * 2
