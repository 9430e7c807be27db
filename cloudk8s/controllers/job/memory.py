"""What the controller remembers of a Job between reconciliations, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from cloudk8s.controllers.job.backoff import Record


@dataclass(slots=True)
class Memory:
    """Losing it costs a retry too early, nothing else."""

    backoff: Record = field(default_factory=Record)
    seen: set[str] = field(default_factory=set)
    """UIDs of finished pods that `backoff` has in it."""
    released: set[str] = field(default_factory=set)
    """UIDs of pods whose finalizer was removed, until the cache shows it."""
    version: int = 0
    """The Job's version that was written last: an older one in the cache must not be acted on."""


@dataclass(slots=True)
class Reminder:
    """The earliest of the times for which somebody asked for another look."""

    after: timedelta | None = None

    def look_again(self, after: timedelta) -> None:
        self.after = after if self.after is None else min(self.after, after)
