"""Make a load balancer as wanted: nothing, members only, or everything."""

from __future__ import annotations

from datetime import timedelta

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Object
from cloudk8s.cloud.controllers.service_calls import ServiceCalls
from cloudk8s.cloud.controllers.service_memory import Balanced, ServiceMemory
from cloudk8s.cloud.controllers.service_writer import ServiceWriter
from cloudk8s.cloud.directory import AttachedCloud
from cloudk8s.cloud.model.load_balancer import LoadBalancerRequest
from cloudk8s.errors import CloudNotFound, RetryLater
from cloudk8s.machinery.clock import Clock

NO_ADDRESS_YET = timedelta(seconds=15)
NO_NODES = "There are no available nodes for LoadBalancer"


class ServiceEnsuring:
    """The ensure path. Raises what the cloud raises; the controller decides what to do about it."""

    def __init__(
        self, calls: ServiceCalls, writer: ServiceWriter, events: EventRecorder, memory: ServiceMemory, *, clock: Clock
    ) -> None:
        self._calls = calls
        self._writer = writer
        self._events = events
        self._memory = memory
        self._clock = clock

    async def ensure(self, service: Object, cloud: AttachedCloud, *, repair_after: float) -> Object:
        """Do the least that makes it so; everything once `repair_after` seconds have gone by since the last time.

        Returns the Service as it is then.
        """
        request = await self._calls.request(service, cloud)
        entry = self._memory.remember(service, cloud.name)
        entry.selector = self._calls.selector(service, cloud)
        entry.to_pods = self._calls.sends_to_pods(service, cloud)
        async with entry.lock:
            due = self._clock.monotonic() - entry.ensured_at >= repair_after
            if entry.digest != request.digest or due:
                service = await self._ensure(entry, cloud, request)
            elif entry.targets != request.targets_digest:
                await self._update(entry, cloud, request)
            return await self._writer.show(service, entry.status)

    async def _ensure(self, entry: Balanced, cloud: AttachedCloud, request: LoadBalancerRequest) -> Object:
        if entry.announced != request.digest:
            self._events.normal(entry.service, "EnsuringLoadBalancer", "Ensuring load balancer")
            entry.announced = request.digest
        service = await self._writer.claim(entry.service, cloud.name)
        if not request.nodes and not request.pods:
            self._events.warning(service, "UnAvailableLoadBalancer", NO_NODES)
        entry.digest = ""
        status = await self._calls.ensure(cloud, request)
        if not status.ingress:
            raise RetryLater(NO_ADDRESS_YET, "the load balancer has no address yet")
        for warning in status.warnings:
            self._events.warning(service, "LoadBalancerWarning", warning)
        entry.digest, entry.targets, entry.status = request.digest, request.targets_digest, status
        entry.ensured_at = self._clock.monotonic()
        if entry.confirmed != request.digest:
            self._events.normal(service, "EnsuredLoadBalancer", "Ensured load balancer")
            entry.confirmed = request.digest
        return service

    async def _update(self, entry: Balanced, cloud: AttachedCloud, request: LoadBalancerRequest) -> None:
        error = (await self._calls.update(cloud, [request]))[request.service.uid]
        if isinstance(error, CloudNotFound):
            await self._ensure(entry, cloud, request)
        elif error is not None:
            raise error
        entry.targets = request.targets_digest
