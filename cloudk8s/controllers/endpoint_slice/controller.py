"""When slices are looked at, and how they are written.

https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    controller_reference,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import NODES, PODS, SERVICES
from cloudk8s.controllers.endpoint_slice import topology
from cloudk8s.controllers.endpoint_slice.endpoints import endpoints_by_ports, zone_label
from cloudk8s.controllers.endpoint_slice.hints import hint
from cloudk8s.controllers.endpoint_slice.labels import (
    BY_SERVICE,
    MANAGED_BY,
    MANAGER,
    SERVICE_NAME,
    service_of_slice,
)
from cloudk8s.controllers.endpoint_slice.own_slices import OwnSlices
from cloudk8s.controllers.endpoint_slice.packing import Plan, pack, recycle
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import BY_NODE, node_of
from cloudk8s.controllers.service_pods import (
    HEADLESS_LABEL,
    Family,
    ServicePods,
    families_of,
    is_headless,
    is_managed,
    publishes_not_ready,
)
from cloudk8s.controllers.trigger_times import TriggerTimes, stamped
from cloudk8s.errors import Conflict, NotFound

COALESCE = 0.02
NODES_COALESCE = 1.0
"""Seconds that changes of nodes are collected before endpoints are divided anew."""
FAMILIES: Final[tuple[Family, ...]] = ("IPv4", "IPv6")


class NodeUnknown(NotFound):
    """Pods of a Service are on nodes that are not there; its slices are written without them, and tried again."""


class EndpointSliceController:
    """Owns the slices that carry its `managed-by` label; those of others are not looked at."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._events = context.events.for_component("endpoint-slice-controller")
        self._queue: WorkQueue[str] = WorkQueue("endpoint_slice", clock=context.clock, instruments=context.instruments)
        self._services = context.informers.of(SERVICES)
        self._services.add_handler(self._service_changed)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_NODE, node_of)
        self._service_pods = ServicePods(self._services, self._pods)
        self._pods.add_handler(self._pod_changed)
        self._nodes = context.informers.of(NODES)
        self._nodes.add_handler(self._node_changed)
        self._zones: topology.Zones | None = None
        self._patience = max(COALESCE, context.options.endpointslice_updates_batch_period.total_seconds())
        self._triggers = TriggerTimes()
        self._divided: dict[tuple[str, str], str] = {}
        self._slices = OwnSlices(
            context, self._queue, BY_SERVICE, service_of_slice, counted_as="endpoint_slice_controller"
        )
        syncs = "Number of EndpointSlice syncs"
        self._syncs = context.instruments.counter("endpoint_slice_controller_syncs", syncs, ("result",))

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_service_endpoint_syncs, self._sync)

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        for service in self._service_pods.affected(old, new):
            self._queue.add_after(service, self._patience)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if topology.look_of(old) != topology.look_of(new):
            self._zones = None
            for service, _ in self._divided:
                self._queue.add_after(service, NODES_COALESCE)
        if old is not None and zone_label(old) == zone_label(new):
            return
        for pod in self._pods.by_index(BY_NODE, name_of(new or old or {})):
            for service in self._service_pods.services_of(pod):
                self._queue.add_after(service, self._patience)

    def _zone_of(self, node: str) -> str:
        return zone_label(self._nodes.get(node))

    async def _sync(self, name: str) -> timedelta | None:
        try:
            again = await self._reconcile(name)
        except Conflict:
            self._syncs.add("stale")
            raise
        except Exception as error:
            self._syncs.add("error")
            if (service := self._services.get_key(name)) is not None:
                message = f"Error updating Endpoint Slices for Service {name}: {error}"
                self._events.warning(service, "FailedToUpdateEndpointSlices", message)
            raise
        self._syncs.add("success")
        return again

    async def _reconcile(self, name: str) -> timedelta | None:
        service = self._services.get_key(name)
        if service is None:
            self._slices.forget(name)
            self._triggers.forget(name)
            for family in FAMILIES:
                self._divided.pop((name, family), None)
            return None
        if is_deleting(service) or not is_managed(service):
            return None
        existing = self._slices.of(name)
        pods, lost = self._pods_of(service)
        plan = Plan()
        for family in families_of(service):
            wanted = endpoints_by_ports(service, pods, family, self._zone_of)
            part = pack(existing, wanted, family, capacity=self._context.options.max_endpoints_per_slice)
            self._report(service, family, hint(service, part, self._known_zones()))
            _merge(plan, part)
        plan.delete += [item for item in existing if item.get("addressType") not in families_of(service)]
        recycle(plan, service)
        _relabel(service, plan)
        moment = self._triggers.earliest_change(service, pods)
        plan.update = [stamped(item, moment) for item in plan.update]
        plan.create = [stamped(item, moment) for item in plan.create]
        await self._slices.write(name, plan, new=_metadata(service))
        if lost:
            raise NodeUnknown("; ".join(_skipped(pod, service) for pod in lost))
        return None

    def _pods_of(self, service: Object) -> tuple[list[Object], list[Object]]:
        """Pods of the Service, and those that are left out because nobody knows their nodes (any more)."""
        known: list[Object] = []
        lost: list[Object] = []
        for pod in self._service_pods.pods_of(service):
            is_lost = any(self._nodes.get(node) is None for node in node_of(pod))
            (lost if is_lost and not publishes_not_ready(service) else known).append(pod)
        return known, lost

    def _known_zones(self) -> topology.Zones:
        if self._zones is None:
            self._zones = topology.zones_of(self._nodes.list())
        return self._zones

    def _report(self, service: Object, family: Family, problem: str) -> None:
        """Say on the Service when endpoints begin or cease to be divided between zones."""
        key = (key_of(service), family)
        before, now = self._divided.get(key), problem or "divided"
        if not topology.is_wanted(service) or spec_of(service).get("trafficDistribution"):
            self._divided.pop(key, None)
            return
        self._divided[key] = now
        if now == before:
            return
        if problem:
            self._events.warning(service, "TopologyAwareHintsDisabled", f"{problem}, addressType: {family}")
        else:
            message = f"Topology Aware Hints has been enabled, addressType: {family}"
            self._events.normal(service, "TopologyAwareHintsEnabled", message)


def _skipped(pod: Object, service: Object) -> str:
    node = spec_of(pod).get("nodeName")
    return f"skipping Pod {name_of(pod)} for Service {key_of(service)}: Node {node} Not Found"


def _merge(plan: Plan, other: Plan) -> None:
    plan.create += other.create
    plan.update += other.update
    plan.delete += other.delete
    plan.kept += other.kept


def _relabel(service: Object, plan: Plan) -> None:
    """Give every slice the Service's labels; what was kept is written where they differ."""
    for item in plan.update:
        item["metadata"] = {**item["metadata"], "labels": _labels(service, labels_of(item))}
    for item in [item for item in plan.kept if labels_of(item) != _labels(service, labels_of(item))]:
        plan.kept.remove(item)
        metadata = {**item["metadata"], "labels": _labels(service, labels_of(item))}
        plan.update.append({**item, "metadata": metadata})


def _metadata(service: Object) -> dict[str, Any]:
    """What a new slice has."""
    return {
        "generateName": f"{name_of(service)}-",
        "namespace": namespace_of(service),
        "labels": _labels(service, {}),
        "ownerReferences": [controller_reference(service, SERVICES)],
    }


def _labels(service: Object, old: Mapping[str, str]) -> dict[str, str]:
    reserved = (SERVICE_NAME, MANAGED_BY, HEADLESS_LABEL)
    labels = {name: value for name, value in labels_of(service).items() if name not in reserved}
    if is_headless(service):
        labels[HEADLESS_LABEL] = ""
    return {**labels, SERVICE_NAME: name_of(service), MANAGED_BY: MANAGER}
