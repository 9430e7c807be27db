"""Nodes came or went: update the members of every load balancer that this concerns, and of no other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from cloudk8s.client.events import EventRecorder
from cloudk8s.cloud.controllers.service_calls import ServiceCalls
from cloudk8s.cloud.controllers.service_ensuring import NO_NODES
from cloudk8s.cloud.controllers.service_memory import Balanced, ServiceMemory
from cloudk8s.cloud.directory import AttachedCloud, CloudDirectory
from cloudk8s.cloud.metrics import CloudMetrics
from cloudk8s.cloud.model.load_balancer import LoadBalancerRequest
from cloudk8s.errors import CloudError, CloudNotFound, Unsupported
from cloudk8s.machinery.clock import Clock

NAMES_SHOWN = 20
log = logging.getLogger(__name__)


class ServiceMembers:
    """Works on what the service controller remembers; a Service that is not ensured yet gets its members then."""

    def __init__(
        self, calls: ServiceCalls, events: EventRecorder, memory: ServiceMemory, directory: CloudDirectory, *,
        concurrency: int, metrics: CloudMetrics, clock: Clock,
    ) -> None:  # fmt: skip
        self._calls = calls
        self._events = events
        self._memory = memory
        self._directory = directory
        self._limit = asyncio.Semaphore(concurrency)
        self._metrics = metrics
        self._clock = clock

    async def update(self) -> Sequence[Balanced]:
        """Compare and update. Returns the load balancers that must be ensured in full, because that failed.

        Raises CloudError, after all were looked at, where it could not be told who the members are.
        """
        entries = [entry for entry in self._memory if entry.digest]
        results = await asyncio.gather(*(self._update_one(entry) for entry in entries), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [entry for entry, is_fine in zip(entries, results, strict=True) if not is_fine]

    async def _update_one(self, entry: Balanced) -> bool:
        cloud = self._directory.get(entry.cloud)
        if cloud is None:
            return True
        async with self._limit, entry.lock:
            if not self._memory.knows(entry):
                return True  # what is removed from this cloud meanwhile must not be made again
            try:
                request = await self._calls.request(entry.service, cloud)
            except Unsupported:
                return True
            if entry.members is request.nodes and not entry.to_pods:
                return True
            if entry.digest != request.digest:
                return True  # it is about to be ensured in full, members included
            if entry.targets == request.targets_digest:
                entry.members = request.nodes
                return True
            started = self._clock.monotonic()
            error = (await self._calls.update(cloud, [request]))[request.service.uid]
            self._metrics.synced("host", self._clock.monotonic() - started, failed=error is not None)
            return self._note(entry, cloud, request, error)

    def _note(
        self, entry: Balanced, cloud: AttachedCloud, request: LoadBalancerRequest, error: CloudError | None
    ) -> bool:
        if error is None:
            entry.targets, entry.members = request.targets_digest, request.nodes
            if request.nodes or request.pods:
                self._events.normal(entry.service, "UpdatedLoadBalancer", "Updated load balancer with new hosts")
            else:
                self._events.warning(entry.service, "UnAvailableLoadBalancer", NO_NODES)
            return True
        entry.digest = ""
        if not isinstance(error, CloudNotFound):
            note = f"Error updating load balancer with new hosts {_names(request)}: {error}"
            self._events.warning(entry.service, "UpdateLoadBalancerFailed", note)
        log.warning("cloud %s: %s: members not updated: %s", cloud.name, request.service, error)
        return False


def _names(request: LoadBalancerRequest) -> str:
    names = [node.name for node in request.nodes]
    more = f" <{len(names) - NAMES_SHOWN} more>" if len(names) > NAMES_SHOWN else ""
    return f"[{' '.join(names[:NAMES_SHOWN])}{more}]"
