"""Watches what the node has left; under pressure it says so and evicts one pod after another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from cloudk8s.machinery.clock import Clock
from cloudk8s.node.pods import naming
from cloudk8s.node.pods.status.inputs import Terminal
from cloudk8s.node.pods.worker import PodWorker
from cloudk8s.node.pods.workers import PodWorkers
from cloudk8s.node.pressure import ranking
from cloudk8s.node.pressure.local_storage import LocalStorageLimits, has_limits
from cloudk8s.node.pressure.ranking import Candidate
from cloudk8s.node.pressure.signals import Signal
from cloudk8s.node.runtimes.interface import Runtime

INTERVAL = 10.0
CALM_SECONDS = 300.0
"""How long a condition stays after the pressure has gone, so that pods do not come back at once."""

_log = logging.getLogger(__name__)


class Eviction:
    """Fulfils its task in `run`; `pressures` is what the node's conditions show."""

    def __init__(
        self, runtime: Runtime, workers: PodWorkers, *, clock: Clock, read: Callable[[], Sequence[Signal]],
        on_change: Callable[[], None], storage: LocalStorageLimits | None = None,
    ) -> None:  # fmt: skip
        self._runtime, self._workers, self._clock = runtime, workers, clock
        self._read, self._on_change, self._storage = read, on_change, storage
        self._last_seen: dict[str, float] = {}
        self.pressures: dict[str, str] = {}

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                await self.look()
            except OSError as error:
                _log.warning("the node's resources could not be read: %s", error)
            await self._clock.sleep(INTERVAL)

    async def look(self) -> None:
        """One look: update the conditions, and evict at most one pod."""
        low = [signal for signal in await asyncio.to_thread(self._read) if signal.is_low]
        self._remember(low)
        if low:
            await self._evict(low[0])
        await self._enforce_limits()

    async def _enforce_limits(self) -> None:
        workers = [worker for worker in self._workers.all() if _runs(worker) and has_limits(worker.pod)]
        if self._storage is None or not workers:
            return
        layers: dict[str, dict[str, int]] = {}
        for stats in await self._runtime.container_stats():
            pod = layers.setdefault(stats.labels.get(naming.POD_UID, ""), {})
            pod[stats.labels.get(naming.CONTAINER_NAME, stats.name)] = stats.writable_layer_bytes
        await self._storage.enforce(workers, layers)

    def _remember(self, low: Sequence[Signal]) -> None:
        now = self._clock.monotonic()
        self._last_seen |= {signal.condition: now for signal in low}
        pressures = {
            condition: f"kubelet has insufficient {condition.removesuffix('Pressure').lower()} available"
            for condition, seen in self._last_seen.items()
            if now - seen < CALM_SECONDS
        }
        if pressures != self.pressures:
            self.pressures = pressures
            self._on_change()

    async def _evict(self, signal: Signal) -> None:
        usage = await self._usage()
        candidates = {
            worker.pod["metadata"]["uid"]: Candidate(worker.pod, usage.get(worker.pod["metadata"]["uid"], {}))
            for worker in self._workers.all()
            if _runs(worker)
        }
        chosen = ranking.first_to_go(candidates.values(), signal.resource)
        if chosen is None:
            _log.warning("the node is low on %s and no pod may be evicted", signal.resource)
            return
        worker = self._workers.get(chosen.pod["metadata"]["uid"])
        if worker is not None:
            message = signal.words() + ranking.words(chosen, signal.resource)
            worker.evict(Terminal("Failed", "Evicted", message), timedelta(0))

    async def _usage(self) -> dict[str, dict[str, int]]:
        """Memory by pod and container; the best guess for other resources, too."""
        usage: dict[str, dict[str, int]] = {}
        for stats in await self._runtime.container_stats():
            pod = usage.setdefault(stats.labels.get(naming.POD_UID, ""), {})
            pod[stats.labels.get(naming.CONTAINER_NAME, stats.name)] = stats.memory_working_set
        return usage


def _runs(worker: PodWorker) -> bool:
    return worker.status.get("phase") == "Running" and not worker.is_ending
