"""A waiting pod."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cloudk8s.scheduler.interface import Refusal
from cloudk8s.scheduler.pod.pod import Pod


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a pod that failed waits at least: doubled with each attempt."""

    initial: timedelta = timedelta(seconds=1)
    maximum: timedelta = timedelta(seconds=10)

    def seconds(self, attempts: int) -> float:
        """The wait after so many attempts."""
        longest = self.maximum.total_seconds()
        return min(self.initial.total_seconds() * 2.0 ** min(max(attempts - 1, 0), 32), longest)


DEFAULT_BACKOFF: Final = Backoff()


@dataclass(slots=True, eq=False)
class QueuedPod:
    """A pod in the queue, and what became of earlier attempts."""

    pod: Pod
    since: float
    """When it was first seen, by the monotonic clock."""
    attempts: int = 0
    tried_at: float = 0.0
    """When the last attempt began."""
    first_tried_at: float | None = None
    failed_at: float = 0.0
    rejected_by: frozenset[str] = frozenset()
    has_error: bool = False
    """The last attempt failed for no fault of the pod's."""
    gate: Refusal | None = None

    @property
    def group(self) -> Hashable:
        """Equal for pods that the same events may help."""
        return self.pod.shape, self.rejected_by
