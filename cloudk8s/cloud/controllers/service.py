"""The service controller: one load balancer for each Service of type LoadBalancer, in the cloud that it belongs to.

Service → request (pure) → digest equal to what the cloud stores: nothing; members differ: update; else: ensure.
Configuration and membership are apart: nodes come and go without any load balancer being configured again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import finalizers_of, is_deleting, key_of, name_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import ENDPOINT_SLICES, NODES, SERVICES
from cloudk8s.cloud.controllers.service_calls import ServiceCalls
from cloudk8s.cloud.controllers.service_ensuring import ServiceEnsuring
from cloudk8s.cloud.controllers.service_members import ServiceMembers
from cloudk8s.cloud.controllers.service_memory import ServiceMemory
from cloudk8s.cloud.controllers.service_nodes import changes_membership
from cloudk8s.cloud.controllers.service_removal import ServiceRemoval
from cloudk8s.cloud.controllers.service_request import (
    FINALIZER,
    needs_cleanup,
    needs_update,
    service_key,
    wants_load_balancer,
)
from cloudk8s.cloud.controllers.service_targets import ServiceTargets, services_of
from cloudk8s.cloud.controllers.service_writer import ServiceWriter
from cloudk8s.cloud.directory import AttachedCloud, CloudDirectory
from cloudk8s.cloud.lookup import InstanceLookup
from cloudk8s.cloud.metrics import CloudMetrics, NoMetrics
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import CloudError, CloudForbidden, NotFound, QuotaExceeded, RetryLater, Unsupported

FIRST_RETRY = 5.0
LAST_RETRY = 300.0
RETRY_LATE = timedelta(minutes=5)
NODES_KEY = "nodes"
log = logging.getLogger(__name__)


class ServiceController:
    """Services have a queue with many workers; node changes a queue with one, which updates members in bulk."""

    def __init__(
        self, context: ControllerContext, lookup: InstanceLookup, directory: CloudDirectory,
        settings: CloudControllerSettings, *, random_source: random.Random | None = None,
        metrics: CloudMetrics | None = None,
    ) -> None:  # fmt: skip
        self._metrics = metrics or NoMetrics()
        self._clock = context.clock
        self._events = context.events.for_component("service-controller")
        self._directory = directory
        self._settings = settings
        self._random = random_source or random.Random()
        self._memory = ServiceMemory()
        self._writer = ServiceWriter(context.client, clock=context.clock)
        self._services = context.informers.of(SERVICES)
        nodes = context.informers.of(NODES)
        slices = context.informers.of(ENDPOINT_SLICES) if _any_to_pods(directory) else None
        self._calls = ServiceCalls(ServiceTargets(directory, lookup, nodes, slices), cluster=settings.cluster)
        self._ensuring = ServiceEnsuring(self._calls, self._writer, self._events, self._memory, clock=context.clock)
        self._removal = ServiceRemoval(self._calls, self._writer, self._events, self._memory, directory)
        self._members = ServiceMembers(
            self._calls, self._events, self._memory, directory, concurrency=settings.concurrent_service_syncs,
            metrics=self._metrics, clock=context.clock,
        )  # fmt: skip
        self._queue: WorkQueue[str] = WorkQueue(
            "service",
            clock=context.clock,
            instruments=context.instruments,
            base_delay=FIRST_RETRY,
            max_delay=LAST_RETRY,
        )
        self._node_queue: WorkQueue[str] = WorkQueue("node", clock=context.clock, instruments=context.instruments)
        self._services.add_handler(self._on_service)
        nodes.add_handler(self._on_node)
        if slices is not None:
            slices.add_handler(self._on_slice)

    async def run(self) -> None:
        await self._recall()
        async with asyncio.TaskGroup() as group:
            workers = run_workers(self._queue, self._settings.concurrent_service_syncs, self.reconcile)
            group.create_task(workers, name="service")
            group.create_task(run_workers(self._node_queue, 1, self.reconcile_nodes), name="service nodes")

    async def reconcile(self, key: str) -> timedelta | None:
        """Bring one Service's load balancer in order; returns when to look again."""
        service = self._services.get_key(key)
        try:
            await self._removal.of_predecessor(key, service)
            if service is None:
                return None
            if not wants_load_balancer(service) or is_deleting(service):
                await self._removal.of(service)
                return None
            return await self._ensure(service)
        except RetryLater as error:
            return await self._wait(service, error)
        except Unsupported as error:
            await self._complain(service, "Unsupported", error)
            return None
        except (CloudForbidden, QuotaExceeded) as error:
            await self._complain(service, type(error).__name__, error)
            return RETRY_LATE
        except CloudError as error:
            await self._complain(service, "SyncFailed", error)
            raise

    async def reconcile_nodes(self, key: str) -> timedelta | None:
        """Bring the members of all load balancers in order; what fails is ensured in full."""
        started = self._clock.monotonic()
        failed = await self._members.update()
        self._metrics.synced("nodes", self._clock.monotonic() - started, failed=bool(failed))
        for entry in failed:
            self._queue.add(key_of(entry.service))
        return None

    def _on_service(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            if old is not None and self._memory.get(key_of(old)):
                self._queue.add(key_of(old))
        elif old is None:
            if wants_load_balancer(new) or FINALIZER in finalizers_of(new):
                self._queue.add(key_of(new))
        elif needs_update(old, new) or needs_cleanup(new) or is_deleting(old) != is_deleting(new):
            self._queue.add(key_of(new))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or changes_membership(old, new, self._memory.label_keys()):
            self._node_queue.add_after(NODES_KEY, self._settings.node_sync_window)

    def _on_slice(self, old: Object | None, new: Object | None) -> None:
        names = {name for slice in (old, new) if slice is not None for name in services_of(slice)}
        if any((entry := self._memory.get(name)) is not None and entry.to_pods for name in names):
            self._node_queue.add_after(NODES_KEY, self._settings.node_sync_window)

    async def _ensure(self, service: Object) -> timedelta | None:
        cloud = self._directory.for_service(service)
        if cloud is None:
            await self._removal.from_other_clouds(service, None)
            return None
        period = self._settings.drift_repair_period.total_seconds()
        started = self._clock.monotonic()
        service = await self._ensuring.ensure(service, cloud, repair_after=period)
        self._metrics.synced("service", self._clock.monotonic() - started)
        await self._removal.from_other_clouds(service, cloud)
        return timedelta(seconds=period * (1 + self._random.random() / 5))

    async def _recall(self) -> None:
        """Read what the clouds hold, in one call each, so that a restart changes nothing that is in order."""
        wanted: dict[str, tuple[AttachedCloud, dict[str, Object]]] = {}
        for service in self._services.list():
            if not wants_load_balancer(service) or is_deleting(service) or FINALIZER not in finalizers_of(service):
                continue
            try:
                cloud = self._directory.for_service(service)
            except Unsupported:
                continue
            if cloud is not None:
                wanted.setdefault(cloud.name, (cloud, {}))[1][service_key(service).uid] = service
        await asyncio.gather(*(self._recall_cloud(cloud, services) for cloud, services in wanted.values()))

    async def _recall_cloud(self, cloud: AttachedCloud, services: dict[str, Object]) -> None:
        try:
            states = await self._calls.describe(cloud, [service_key(service) for service in services.values()])
        except CloudError as error:
            log.warning("cloud %s: load balancers can't be read, each is ensured in full: %s", cloud.name, error)
            return
        period = self._settings.drift_repair_period.total_seconds()
        for uid, state in states.items():
            if uid in services:
                entry = self._memory.remember(services[uid], cloud.name)
                entry.digest = state.digest if state.status.ingress else ""
                entry.targets, entry.status = state.targets_digest, state.status
                entry.announced = entry.confirmed = state.digest
                entry.selector = self._calls.selector(services[uid], cloud)
                entry.to_pods = self._calls.sends_to_pods(services[uid], cloud)
                entry.ensured_at = self._clock.monotonic() - self._random.random() * period

    async def _wait(self, service: Object | None, error: RetryLater) -> timedelta:
        """The cloud is at work: no event, no growing delay."""
        if service is not None and wants_load_balancer(service) and not is_deleting(service):
            await self._show_problem(service, "Pending", error.message)
        return error.after

    async def _complain(self, service: Object | None, reason: str, error: CloudError) -> None:
        if service is None:
            log.warning("a load balancer of a deleted Service could not be removed: %s", error)
            return
        self._metrics.synced("service", 0.0, failed=True)
        self._events.warning(service, "SyncLoadBalancerFailed", f"Error syncing load balancer: {error}")
        await self._show_problem(service, reason, str(error))

    async def _show_problem(self, service: Object, reason: str, message: str) -> None:
        current = self._services.get_key(key_of(service)) or service
        try:
            await self._writer.show_problem(current, reason, message)
        except NotFound:
            log.debug("service %s: gone before its condition was written", name_of(service))


def _any_to_pods(directory: CloudDirectory) -> bool:
    balancers = [cloud.load_balancers for cloud in directory.clouds if cloud.load_balancers is not None]
    return any(entry.capabilities.pod_target_annotations for entry in balancers)
