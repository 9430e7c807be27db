"""The order of a shutdown: the node says so and takes nothing more, then pods end, the least important ones first."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cloudk8s.client.objects import spec_of
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.status.inputs import Terminal
from cloudk8s.node.pods.worker import PodWorker
from cloudk8s.node.pods.workers import PodWorkers
from cloudk8s.node.settings import NodeSettings

_ENDED: Final = Terminal(
    "Failed", "Terminated", "Pod was terminated in response to imminent node shutdown.", is_disruption=True
)
_REFUSED: Final = Terminal("Failed", "NodeShutdown", "Pod was rejected as the node is shutting down.")
_CRITICAL: Final = 2_000_000_000
_LOOK_SECONDS: Final = 0.05
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Phase:
    """The time of pods with this priority and up to that of the next phase."""

    priority: int
    limit: timedelta


def phases_of(settings: NodeSettings) -> Sequence[Phase]:
    """By the priorities that the settings name, or ordinary pods and then critical ones; none leaves pods alone."""
    if settings.shutdown_grace_by_priority:
        named = sorted(settings.shutdown_grace_by_priority)
        return [Phase(priority, timedelta(seconds=seconds)) for priority, seconds in named]
    whole = timedelta(seconds=settings.shutdown_grace_seconds)
    critical = min(timedelta(seconds=settings.shutdown_grace_critical_seconds), whole)
    return [Phase(0, whole - critical), Phase(_CRITICAL, critical)] if whole else []


class ShutdownSequence:
    """Ends pods phase by phase."""

    def __init__(
        self, workers: PodWorkers, phases: Sequence[Phase], *, clock: Clock, report: Callable[[], Awaitable[object]],
        announce: Callable[[str, str], None] = lambda reason, note: None,
    ) -> None:  # fmt: skip
        """`announce` is called with reason and note of an event of the node."""
        self._workers, self._phases, self._clock, self._report = workers, phases, clock, report
        self._announce = announce
        self.has_begun = False

    @property
    def is_wanted(self) -> bool:
        """Whether pods get any time."""
        return bool(self._phases)

    async def run(self) -> None:
        """End the pods; returns when they have ended, or their time is up."""
        self.has_begun = True
        self._workers.refuse(_REFUSED)
        self._announce("NodeShutdown", "Shutdown manager detected shutdown event")
        try:
            await self._report()
        except Exception as error:  # noqa: BLE001 - the host goes down, whatever the API server says
            _log.warning("the shutdown of the node is not reported: %s", error)
        workers = self._workers.all()
        for phase in self._phases:
            await self._end([each for each in workers if self._phase_of(each) is phase], phase.limit)

    def call_off(self) -> None:
        """The host stays up after all; pods that have ended stay ended."""
        self.has_begun = False
        self._workers.refuse(None)
        self._announce("NodeShutdown", "Shutdown manager detected shutdown cancellation")

    def _phase_of(self, worker: PodWorker) -> Phase:
        """The last that begins at its priority or below; the first for those below all."""
        priority = int(spec_of(worker.pod).get("priority") or 0)
        if pods.is_critical(worker.pod):
            priority = max(priority, _CRITICAL)
        return next((each for each in reversed(self._phases) if each.priority <= priority), self._phases[0])

    async def _end(self, workers: Sequence[PodWorker], limit: timedelta) -> None:
        deadline = self._clock.monotonic() + limit.total_seconds()
        for worker in workers:
            worker.evict(_ENDED, min(pods.grace_period(worker.pod), limit))
        while not all(worker.has_ended for worker in workers) and self._clock.monotonic() < deadline:
            await self._clock.sleep(_LOOK_SECONDS)
