"""The route controller: one route for each node and pod range, in every cloud that has routes.

Runs when nodes come, go, or change their pod ranges or addresses; at most once in ten seconds, however many do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition, name_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.node_reference import node_ref
from cloudk8s.cloud.controllers.route_plan import RoutedNode, plan_routes, route_condition, routed_node
from cloudk8s.cloud.directory import AttachedCloud, CloudDirectory
from cloudk8s.cloud.interface import Failures
from cloudk8s.cloud.lookup import InstanceLookup
from cloudk8s.cloud.metrics import CloudMetrics, NoMetrics
from cloudk8s.cloud.model.route import Route
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import CloudError, NotFound, RetryLater, StatusError

ALL = "routes"
LOCKED_TRIES = 5
log = logging.getLogger(__name__)


class RouteController:
    """One queue with one key: a run compares everything, so nothing but "again" can be asked for."""

    def __init__(
        self, context: ControllerContext, lookup: InstanceLookup, directory: CloudDirectory,
        settings: CloudControllerSettings, *, metrics: CloudMetrics | None = None,
    ) -> None:  # fmt: skip
        self._metrics = metrics or NoMetrics()
        self._client = context.client
        self._clock = context.clock
        self._events = context.events.for_component("route_controller")
        self._lookup = lookup
        self._clouds = [cloud for cloud in directory.clouds if cloud.routes is not None]
        self._settings = settings
        self._period = settings.route_reconciliation_period.total_seconds()
        self._next_run = 0.0
        self._nodes = context.informers.of(NODES)
        self._queue: WorkQueue[str] = WorkQueue("route", clock=context.clock, instruments=context.instruments)
        self._limit = asyncio.Semaphore(settings.concurrent_routes)
        self._nodes.add_handler(self._on_change)

    async def run(self) -> None:
        self._queue.add(ALL)
        await run_workers(self._queue, 1, self.reconcile)

    async def reconcile(self, key: str) -> timedelta:
        """One run over all clouds; too early is put off."""
        if (early := self._next_run - self._clock.monotonic()) > 0:
            return timedelta(seconds=early)
        self._next_run = self._clock.monotonic() + self._period
        complete = [await self._reconcile_cloud(cloud) for cloud in self._clouds]
        self._metrics.synced("routes", 0.0, failed=not all(complete))
        return self._settings.route_resync_period if all(complete) else timedelta(seconds=self._period)

    def _on_change(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or routed_node(old) != routed_node(new):
            self._queue.add_after(ALL, max(0.0, self._next_run - self._clock.monotonic()))

    async def _reconcile_cloud(self, cloud: AttachedCloud) -> bool:
        """True when every route is as wanted; False asks for another run."""
        routes = cloud.routes
        assert routes is not None
        try:
            nodes = await self._nodes_of(cloud)
            present = await cloud.calls.run("routes", routes.list, [node_ref(node) for node in nodes])
        except CloudError as error:
            log.warning("cloud %s: routes can't be listed, none is changed: %s", cloud.name, error)
            return False
        routed = [routed_node(node) for node in nodes]
        cidrs = self._settings.cluster_cidrs
        plan = plan_routes(routed, present, cidrs, follows_addresses=routes.capabilities.follows_addresses)
        undeleted = await self._in_batches(cloud, routes.delete, plan.deletes)
        for name, failure in undeleted.items():
            log.warning("cloud %s: route %s not deleted: %s", cloud.name, name, failure)
        failed = await self._create(cloud, plan.creates)
        self._report(nodes, plan.creates, failed)
        for node, entry in zip(nodes, routed, strict=True):
            await self._set_condition(node, entry, route_condition(entry, plan, failed))
        return not (failed or undeleted)

    async def _nodes_of(self, cloud: AttachedCloud) -> Sequence[Object]:
        nodes = {name_of(node): node for node in self._nodes.list()}
        if len(self._clouds) == 1 and cloud.instances is None:
            return list(nodes.values())
        owners = await self._lookup.clouds_of([node_ref(node) for node in nodes.values()])
        return [node for name, node in nodes.items() if owners.get(name) == cloud.name]

    async def _create(self, cloud: AttachedCloud, creates: Sequence[Route]) -> Failures:
        """Create, and again for what is locked a short while."""
        assert cloud.routes is not None
        failed = await self._in_batches(cloud, cloud.routes.create, creates)
        for _ in range(LOCKED_TRIES - 1):
            locked = {key: error for key, error in failed.items() if _is_locked(error)}
            if not locked:
                break
            await self._clock.sleep(0.1)
            again = await self._in_batches(
                cloud, cloud.routes.create, [route for route in creates if route.key in locked]
            )
            failed = {key: error for key, error in failed.items() if key not in locked} | dict(again)
        return failed

    async def _in_batches(
        self, cloud: AttachedCloud, method: Callable[[Sequence[Route]], Failures], routes: Sequence[Route]
    ) -> Failures:
        assert cloud.routes is not None
        size = cloud.routes.capabilities.batch or max(1, len(routes))
        batches = [routes[start : start + size] for start in range(0, len(routes), size)]
        answers = await asyncio.gather(*(self._call(cloud, method, batch) for batch in batches))
        return {key: error for answer in answers for key, error in answer.items()}

    async def _call(
        self, cloud: AttachedCloud, method: Callable[[Sequence[Route]], Failures], batch: Sequence[Route]
    ) -> Failures:
        async with self._limit:
            try:
                return await cloud.calls.run(None, method, batch)
            except CloudError as error:
                return {route.key: error for route in batch}

    def _report(self, nodes: Sequence[Object], creates: Sequence[Route], failed: Failures) -> None:
        by_name = {name_of(node): node for node in nodes}
        for route in creates:
            if error := failed.get(route.key):
                note = f"Could not create route {route.destination} for node {route.node}: {error}"
                self._events.warning(by_name[route.node], "FailedToCreateRoute", note)

    async def _set_condition(self, node: Object, entry: RoutedNode, available: bool | None) -> None:
        if available is None:
            return
        wanted = _condition(available)
        present = condition(node, "NetworkUnavailable") or {}
        if all(present.get(field) == wanted[field] for field in ("status", "reason")):
            return
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        changed = present.get("status") != wanted["status"]
        since = now if changed else present.get("lastTransitionTime", now)
        patch = {"status": {"conditions": [{**wanted, "lastHeartbeatTime": now, "lastTransitionTime": since}]}}
        try:
            await self._client.patch(NODES, entry.name, patch, type="strategic", subresource="status")
        except NotFound:
            return
        except StatusError as error:
            log.warning("node %s: condition NetworkUnavailable not written: %s", entry.name, error)


def _condition(available: bool) -> Mapping[str, str]:
    made = "RouteController created a route" if available else "RouteController failed to create a route"
    reason = "RouteCreated" if available else "NoRouteCreated"
    return {
        "type": "NetworkUnavailable",
        "status": "False" if available else "True",
        "reason": reason,
        "message": made,
    }


def _is_locked(error: CloudError) -> bool:
    return isinstance(error, RetryLater) and error.after <= timedelta(seconds=1)
