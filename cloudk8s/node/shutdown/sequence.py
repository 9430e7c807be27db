"""The order of a shutdown: the node says so and takes nothing more, ordinary pods end, then critical ones."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from cloudk8s.machinery.clock import Clock
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.status.inputs import Terminal
from cloudk8s.node.pods.worker import PodWorker
from cloudk8s.node.pods.workers import PodWorkers

_ENDED: Final = Terminal(
    "Failed", "Terminated", "Pod was terminated in response to imminent node shutdown.", is_disruption=True
)
_REFUSED: Final = Terminal("Failed", "NodeShutdown", "Pod was rejected as the node is shutting down.")
_LOOK_SECONDS: Final = 0.05
_log = logging.getLogger(__name__)


class ShutdownSequence:
    """`whole` is for all pods, `critical` the part at its end that only critical ones have."""

    def __init__(
        self, workers: PodWorkers, *, clock: Clock, whole: timedelta, critical: timedelta,
        report: Callable[[], Awaitable[object]],
    ) -> None:  # fmt: skip
        self._workers, self._clock, self._report = workers, clock, report
        self._whole, self._critical = whole, min(critical, whole)
        self.has_begun = False

    async def run(self) -> None:
        """End the pods; returns when they have ended, or their time is up."""
        self.has_begun = True
        self._workers.refuse(_REFUSED)
        try:
            await self._report()
        except Exception as error:  # noqa: BLE001 - the host goes down, whatever the API server says
            _log.warning("the shutdown of the node is not reported: %s", error)
        workers = self._workers.all()
        await self._end([each for each in workers if not pods.is_critical(each.pod)], self._whole - self._critical)
        await self._end([each for each in workers if pods.is_critical(each.pod)], self._critical)

    def call_off(self) -> None:
        """The host stays up after all; pods that have ended stay ended."""
        self.has_begun = False
        self._workers.refuse(None)

    async def _end(self, workers: Sequence[PodWorker], limit: timedelta) -> None:
        deadline = self._clock.monotonic() + limit.total_seconds()
        for worker in workers:
            worker.evict(_ENDED, min(pods.grace_period(worker.pod), limit))
        while not all(worker.has_ended for worker in workers) and self._clock.monotonic() < deadline:
            await self._clock.sleep(_LOOK_SECONDS)
