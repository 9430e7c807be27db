"""Watches what the node has left; under pressure it says so, takes no more pods, and evicts one after another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.node_matching import tolerates
from cloudk8s.client.objects import spec_of, uid_of
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.pods import naming
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.status.inputs import Terminal
from cloudk8s.node.pods.status.qos import qos_class
from cloudk8s.node.pods.worker import PodWorker
from cloudk8s.node.pods.workers import PodWorkers
from cloudk8s.node.pressure import ranking
from cloudk8s.node.pressure.consumption import Consumption
from cloudk8s.node.pressure.local_storage import LocalStorageLimits, has_limits
from cloudk8s.node.pressure.signals import Signal
from cloudk8s.node.runtimes.interface import Runtime, RuntimeFailure

INTERVAL: Final = 10.0
_WORDS: Final = {
    "MemoryPressure": "kubelet has insufficient memory available",
    "DiskPressure": "kubelet has disk pressure",
    "PIDPressure": "kubelet has insufficient PID available",
}
_MEMORY_TAINT: Final = {"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}
_log = logging.getLogger(__name__)


async def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class Manner:
    """How pressure is met."""

    calm: timedelta = timedelta(minutes=5)
    """How long a condition stays after the pressure has gone, so that pods do not come back at once."""
    longest_grace: timedelta = timedelta(0)
    """What a pod has to end at most where a soft mark is passed."""
    reclaim: Callable[[], Awaitable[object]] = _nothing
    """What frees disk without a pod having to go."""
    announce: Callable[[str], None] = lambda resource: None
    """Called with a resource that is now to be reclaimed."""


class Eviction:
    """Fulfils its task in `run`; `pressures` is what the node's conditions show."""

    def __init__(
        self, runtime: Runtime, workers: PodWorkers, *, clock: Clock, read: Callable[[], Sequence[Signal]],
        on_change: Callable[[], None], consumption: Consumption, storage: LocalStorageLimits | None = None,
        manner: Manner = Manner(),
    ) -> None:  # fmt: skip
        self._runtime, self._workers, self._clock = runtime, workers, clock
        self._read, self._on_change, self._storage = read, on_change, storage
        self._consumption, self._manner = consumption, manner
        self._last_seen: dict[str, float] = {}
        self._low_since: dict[tuple[str, int], float] = {}
        self.pressures: dict[str, str] = {}

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                await self.look()
            except (OSError, RuntimeFailure) as error:
                _log.warning("the node's resources could not be read: %s", error)
            await self._clock.sleep(INTERVAL)

    async def look(self) -> None:
        """One look: update the conditions, and evict at most one pod."""
        low = await self._low()
        self._remember(low)
        due = [signal for signal in low if self._is_due(signal)]
        if due and not await self._has_helped(due[0]):
            await self._evict(due[0])
        await self._enforce_limits()

    def refusal(self, pod: Object) -> Terminal | None:
        """Why a node under pressure does not take a pod; None where it does."""
        if not self.pressures or pods.is_critical(pod):
            return None
        if list(self.pressures) == ["MemoryPressure"]:
            tolerations = spec_of(pod).get("tolerations") or ()
            if qos_class(pod) != "BestEffort" or any(tolerates(each, _MEMORY_TAINT) for each in tolerations):
                return None
        return Terminal("Failed", "Evicted", f"The node had condition: [{' '.join(self.pressures)}]. ")

    async def _low(self) -> list[Signal]:
        return [signal for signal in await asyncio.to_thread(self._read) if signal.is_low]

    def _is_due(self, signal: Signal) -> bool:
        """Whether it is low for longer than it may be."""
        since = self._low_since[(signal.resource, signal.threshold)]
        return signal.grace is None or self._clock.monotonic() - since >= signal.grace.total_seconds()

    async def _has_helped(self, signal: Signal) -> bool:
        """Try what costs no pod."""
        self._manner.announce(signal.resource)
        if signal.condition != "DiskPressure":
            return False
        await self._manner.reclaim()
        return not any(each.condition == signal.condition for each in await self._low())

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
        marks = [(signal.resource, signal.threshold) for signal in low]
        self._low_since = {mark: self._low_since.get(mark, now) for mark in marks}
        calm = self._manner.calm.total_seconds()
        pressures = {name: _WORDS[name] for name, seen in self._last_seen.items() if now - seen < calm or seen == now}
        if pressures != self.pressures:
            self.pressures = pressures
            self._on_change()

    async def _evict(self, signal: Signal) -> None:
        workers: Mapping[str, PodWorker] = {uid_of(each.pod): each for each in self._workers.all() if _runs(each)}
        candidates = await self._consumption.of([worker.pod for worker in workers.values()], signal.resource)
        chosen = ranking.first_to_go(candidates, signal.resource)
        if chosen is None:
            _log.warning("the node is low on %s and no pod may be evicted", signal.resource)
            return
        message = signal.words() + ranking.words(chosen, signal.resource)
        grace = timedelta(0)
        if signal.grace is not None:
            grace = min(self._manner.longest_grace, pods.grace_period(chosen.pod))
        workers[uid_of(chosen.pod)].evict(evicted(message), grace)


def evicted(message: str) -> Terminal:
    """What becomes of a pod that has to go."""
    return Terminal("Failed", "Evicted", message, is_disruption=True)


def _runs(worker: PodWorker) -> bool:
    return worker.status.get("phase") == "Running" and not worker.is_ending
