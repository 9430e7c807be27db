"""The loops: leases and heartbeats come in, conditions and taints go out.

https://kubernetes.io/docs/concepts/architecture/nodes/#condition
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    condition,
    key_of,
    labels_of,
    name_of,
    observed_generation,
    resource_version_of,
    status_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import LEASES, NODES, PODS
from cloudk8s.controllers.batches import all_of
from cloudk8s.controllers.conditions import Condition
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.node_lifecycle import taints
from cloudk8s.controllers.node_lifecycle.arrivals import Arrivals
from cloudk8s.controllers.node_lifecycle.health import Health, ready_status, unknown_conditions
from cloudk8s.controllers.node_lifecycle.metrics import NodeMetrics
from cloudk8s.controllers.node_lifecycle.unmarked import Unmarked
from cloudk8s.controllers.node_lifecycle.zones import Zones, zone_of
from cloudk8s.controllers.pods import BY_NODE, node_of
from cloudk8s.errors import NotFound, StatusError
from cloudk8s.machinery.times import format_time

LEASE_NAMESPACE = "kube-node-lease"
TAINT_PERIOD = 0.1
BATCH = 500
"""Nodes looked at before others get their turn."""
OLD_LABELS = {
    "kubernetes.io/os": "beta.kubernetes.io/os",
    "kubernetes.io/arch": "beta.kubernetes.io/arch",
}

_log = logging.getLogger(__name__)


class NodeLifecycleController:
    """See the package. Silence is measured from when this process last heard of a node."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._clock = context.clock
        self._settings = context.options
        self._events = context.events.for_component("node-controller")
        self._arrivals = Arrivals(self._events)
        self._health: dict[str, Health] = {}
        self._zones = Zones(context.clock, context.options)
        self._changed: WorkQueue[str] = WorkQueue(
            "node_lifecycle_controller", clock=context.clock, instruments=context.instruments
        )
        self._metrics = NodeMetrics(context.instruments)
        self._unmarked: dict[str, Unmarked] = {}
        """By node; none of one that is ready, or gone."""
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_NODE, node_of)
        self._pods.add_handler(self._pod_changed)
        self._nodes = context.informers.of(NODES)
        self._nodes.add_handler(self._node_changed)
        self._leases = context.informers.of(LEASES, namespace=LEASE_NAMESPACE)
        self._leases.add_handler(self._lease_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._monitor(), name="node monitor")
            group.create_task(self._give_up(), name="node tainter")
            group.create_task(run_workers(self._changed, self._settings.concurrent_syncs, self._sync_taints))

    # What happens

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            name = name_of(old or {})
            self._arrivals.removed(old or {})
            self._health.pop(name, None)
            self._unmarked.pop(name, None)
            self._zones.forget(name)
            return
        if old is None:
            self._arrivals.added(new)
        self._of(name_of(new)).node_seen(new, self._clock.monotonic())
        if old is None or taints.no_schedule(new, self._clock.now()) is not None or _missing_labels(new):
            self._changed.add(name_of(new))
        if ready_status(new) == "True":
            self._unmarked.pop(name_of(new), None)
        if old is not None and ready_status(old) != ready_status(new):
            if name_of(new) in self._unmarked:
                self._changed.add(name_of(new))
            self._assess(new)

    def _lease_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and name_of(new) in self._health:
            self._health[name_of(new)].lease_seen(new, self._clock.monotonic())

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        """A pod that says it is ready on a node that is not."""
        if new is None or (old is not None and node_of(old) == node_of(new)):
            return
        for name in node_of(new):
            node = self._nodes.get(name)
            if node is not None and condition(node, "Ready") and ready_status(node) != "True":
                self._mark_soon(name, {key_of(new)})

    def _of(self, name: str) -> Health:
        if name not in self._health:
            self._health[name] = health = Health(self._clock.monotonic())
            lease = self._leases.get(name, LEASE_NAMESPACE)
            if lease is not None:
                health.lease_seen(lease, self._clock.monotonic())
        return self._health[name]

    # Health

    async def _monitor(self) -> None:
        """Look at every node, again and again."""
        while True:
            try:
                await self._look_at_all()
            except (StatusError, OSError) as error:
                _log.warning("node monitor: %s; trying again", error)
            await self._clock.sleep(self._settings.node_monitor_period.total_seconds())

    async def _look_at_all(self) -> None:
        counts: dict[str, tuple[int, int]] = {}
        began = self._clock.monotonic()
        for number, node in enumerate(self._nodes.list()):
            if number % BATCH == BATCH - 1:
                await asyncio.sleep(0)
            node = await self._look_at(node)
            ready, not_ready = counts.get(zone_of(node), (0, 0))
            is_ready = ready_status(node) == "True"
            counts[zone_of(node)] = (ready + 1, not_ready) if is_ready else (ready, not_ready + 1)
        self._arrivals.tell()
        self._metrics.looked(counts, self._clock.monotonic() - began)
        await self._update_zones(counts)

    async def _look_at(self, node: Object) -> Object:
        """Write down that a node is silent; returns the node as it is then."""
        health = self._of(name_of(node))
        if health.is_silent(node, self._clock.monotonic(), self._settings):
            wanted = unknown_conditions(node, self._clock.now())
            if wanted is not None:
                before, node = node, await self._write_conditions(node, wanted)
                if ready_status(before) == "True" and ready_status(node) != "True":
                    self._lost(before)
        self._assess(node)
        return node

    async def _write_conditions(self, node: Object, wanted: Sequence[Condition]) -> Object:
        changed = {**node, "status": {**status_of(node), "conditions": list(wanted)}}
        try:
            return await self._client.update(NODES, changed, subresource="status")
        except StatusError as error:
            _log.warning("node %s: its conditions could not be written: %s", name_of(node), error)
            return node

    def _assess(self, node: Object) -> None:
        """Queue a node for tainting, or take it off the queue, by what its Ready condition says."""
        name, now = name_of(node), ready_status(node)
        if now == "True":
            self._zones.forget(name)
            if taints.has_no_execute(node):
                self._changed.add(name)
        elif not self._zones.is_everything_down:
            self._assess_bad(node, now)

    def _lost(self, before: Object) -> None:
        """A node fell silent that was ready. One that says itself that it is not looks after its pods itself."""
        name = name_of(before)
        self._events.normal(before, "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        now = self._nodes.get(name)
        if now is None or (ready_status(now) == "True" and resource_version_of(now) != resource_version_of(before)):
            return  # gone, or back already
        self._mark_soon(name, None)

    def _assess_bad(self, node: Object, now: str) -> None:
        key = taints.UNREACHABLE if now == "Unknown" else taints.NOT_READY
        if taints.no_execute(node, key, self._clock.now()) is None:
            return
        if taints.has_no_execute(node):
            self._changed.add(name_of(node))
        else:
            self._zones.queue(zone_of(node)).add(name_of(node))

    async def _update_zones(self, counts: dict[str, tuple[int, int]]) -> None:
        was_down, is_down = self._zones.update(counts)
        if is_down and not was_down:
            _log.warning("every zone is down: no node is given up until one is back")
            for node in self._nodes.list():
                if taints.has_no_execute(node):
                    await self._leave_alone(name_of(node))
        elif was_down and not is_down:
            for health in self._health.values():
                health.heard_at = self._clock.monotonic()

    async def _leave_alone(self, name: str) -> None:
        try:
            await self._write_taints(name, is_given_up=False)
        except StatusError as error:
            _log.warning("node %s: its taint could not be removed: %s", name, error)

    # Taints

    async def _give_up(self) -> None:
        """Taint queued nodes with NoExecute, at the rates of their zones."""
        while True:
            for queue in list(self._zones.queues()):
                while (name := queue.take()) is not None:
                    await self._taint(name)
            await self._clock.sleep(TAINT_PERIOD)

    async def _taint(self, name: str) -> None:
        node = self._nodes.get(name)
        if node is None or ready_status(node) == "True":
            return
        try:
            if await self._write_taints(name):
                self._metrics.evicted(zone_of(node))
        except StatusError as error:
            _log.warning("node %s not tainted: %s; trying again", name, error)
            self._zones.queue(zone_of(node)).add(name)

    async def _sync_taints(self, name: str) -> timedelta | None:
        """What follows from a node's state at once, without waiting for its zone's rate."""
        node = self._nodes.get(name)
        if node is None:
            return None
        wanted = taints.no_schedule(node, self._clock.now())
        if wanted is not None:
            node = await self._patch_taints(node, wanted)
        if taints.has_no_execute(node):
            await self._write_taints(name)
        if missing := _missing_labels(node):
            await self._client.patch(NODES, name, {"metadata": {"labels": missing}})
        if (unmarked := self._unmarked.get(name)) is not None and ready_status(node) != "True":
            await self._mark_pods(name, unmarked)
        return None

    def _key_of(self, node: Object) -> str:
        return {"True": "", "Unknown": taints.UNREACHABLE}.get(ready_status(node), taints.NOT_READY)

    async def _write_taints(self, name: str, *, is_given_up: bool = True) -> bool:
        """By how the node is now, for it may be back; whether it has the taint then."""
        node = await self._client.get(NODES, name)
        key = self._key_of(node) if is_given_up else ""
        wanted = taints.no_execute(node, key, self._clock.now())
        if wanted is not None:
            await self._patch_taints(node, wanted)
        return bool(key)

    async def _patch_taints(self, node: Object, wanted: Sequence[taints.Taint]) -> Object:
        metadata = {"resourceVersion": resource_version_of(node)}
        patch = {"metadata": metadata, "spec": {"taints": list(wanted) or None}}
        return await self._client.patch(NODES, name_of(node), patch)

    # Pods

    def _mark_soon(self, name: str, pods: set[str] | None) -> None:
        self._unmarked.setdefault(name, Unmarked()).add(pods)
        self._changed.add(name)

    async def _mark_pods(self, name: str, unmarked: Unmarked) -> None:
        """Nobody knows whether pods of such a node serve: they are not ready."""
        which = unmarked.take()
        pods = [pod for pod in self._pods.by_index(BY_NODE, name) if _says_ready(pod)]
        if failed := await all_of([pod for pod in pods if which is None or key_of(pod) in which], self._mark_pod):
            unmarked.add(which)
            raise failed[0]

    async def _mark_pod(self, pod: Object) -> None:
        """By an update: older servers' roles allow no patch."""
        now = format_time(self._clock.now())
        not_ready = {"type": "Ready", **observed_generation(pod), "status": "False", "lastTransitionTime": now}
        status = status_of(pod)
        told = [{**each, **not_ready} if each["type"] == "Ready" else each for each in status["conditions"]]
        try:
            await self._client.update(PODS, {**pod, "status": {**status, "conditions": told}}, subresource="status")
        except NotFound:
            return
        self._events.warning(pod, "NodeNotReady", "Node is not ready")


def _says_ready(pod: Object) -> bool:
    ready = condition(pod, "Ready")
    return ready is not None and ready.get("status") == "True"


def _missing_labels(node: Object) -> dict[str, str]:
    """Labels of old that must say what the current ones do."""
    labels = labels_of(node)
    return {old: labels[new] for new, old in OLD_LABELS.items() if new in labels and labels.get(old) != labels[new]}
