"""Slices for Endpoints that a user keeps by hand: those of Services that select no pods.

https://kubernetes.io/docs/concepts/services-networking/service/#endpointslice-mirroring
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    annotations_of,
    controller_reference,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import ENDPOINTS, SERVICES
from cloudk8s.controllers.endpoint_slice.endpoints import Endpoint, Ports
from cloudk8s.controllers.endpoint_slice.labels import BY_MIRRORED, MANAGED_BY, MIRROR, SERVICE_NAME, mirrored
from cloudk8s.controllers.endpoint_slice.own_slices import OwnSlices
from cloudk8s.controllers.endpoint_slice.packing import Plan, pack, recycle
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.service_pods import Family, family_of, selector_of

SKIP: Final = "endpointslice.kubernetes.io/skip-mirror"
LEADER: Final = "control-plane.alpha.kubernetes.io/leader"
_FAMILIES: Final[tuple[Family, ...]] = ("IPv4", "IPv6")
_NOT_COPIED: Final = (
    "endpoints.kubernetes.io/last-change-trigger-time",
    "kubectl.kubernetes.io/last-applied-configuration",
)


class EndpointSliceMirroringController:
    """Owns the slices that carry its `managed-by` label."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._events = context.events.for_component("endpoint-slice-mirroring-controller")
        self._queue: WorkQueue[str] = WorkQueue(
            "endpoint_slice_mirroring", clock=context.clock, instruments=context.instruments
        )
        self._patience = context.options.mirroring_endpointslice_updates_batch_period
        self._limit = context.options.mirroring_max_endpoints_per_subset
        self._endpoints = context.informers.of(ENDPOINTS)
        self._endpoints.add_handler(self._changed)
        self._services = context.informers.of(SERVICES)
        self._services.add_handler(self._changed)
        self._slices = OwnSlices(
            context, self._queue, BY_MIRRORED, mirrored, counted_as="endpoint_slice_mirroring_controller"
        )

    async def run(self) -> None:
        workers = self._context.options.mirroring_concurrent_service_endpoint_syncs
        await run_workers(self._queue, workers, self._reconcile)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        """A Service of pods, and what controllers keep for it, is of no interest unless it has just become one."""
        items = [item for item in (old, new) if item is not None]
        if items[0].get("kind") == SERVICES.kind and all(map(selector_of, items)):
            return
        self._queue.add_after(key_of(items[0]), self._patience)

    async def _reconcile(self, name: str) -> timedelta | None:
        endpoints, service = self._endpoints.get_key(name), self._services.get_key(name)
        existing = self._slices.of(name)
        if endpoints is None or service is None or selector_of(service) or not _is_mirrored(endpoints):
            if existing:
                await self._slices.write(name, Plan(delete=existing), new={})
            return None
        if (skipped := _skipped(endpoints, self._limit)) > 0:
            limit = f"A max of {self._limit} addresses can be mirrored to EndpointSlices per Endpoints subset."
            self._events.warning(endpoints, "TooManyAddressesToMirror", f"{limit} {skipped} addresses were skipped")
        await self._slices.write(name, _plan(endpoints, existing, self._limit), new=_names(endpoints))
        return None


def _is_mirrored(endpoints: Object) -> bool:
    if is_deleting(endpoints) or LEADER in annotations_of(endpoints):
        return False
    return labels_of(endpoints).get(SKIP) != "true"


def _names(endpoints: Object) -> dict[str, Any]:
    return {
        "generateName": f"{name_of(endpoints)}-",
        "namespace": namespace_of(endpoints),
        "ownerReferences": [controller_reference(endpoints, ENDPOINTS)],
    }


def _plan(endpoints: Object, existing: Sequence[Object], limit: int) -> Plan:
    """What to write; unlike a Service's own, no empty slice is kept."""
    plan = Plan()
    for family in _FAMILIES:
        part = pack(existing, _by_ports(endpoints, family, limit), family)
        plan.create += [item for item in part.create if item["endpoints"]]
        plan.update += part.update
        plan.delete += part.delete + [item for item in part.kept if not item.get("endpoints")]
        plan.kept += [item for item in part.kept if item.get("endpoints")]
    recycle(plan, endpoints)
    metadata = _metadata(endpoints)
    for item in plan.update + plan.create:
        item["metadata"] = {**item.get("metadata", {}), **metadata}
    for item in plan.kept:
        if any((item["metadata"].get(field) or {}) != value for field, value in metadata.items()):
            plan.update.append({**item, "metadata": {**item["metadata"], **metadata}})
    return plan


def _metadata(endpoints: Object) -> dict[str, Any]:
    labels = {**labels_of(endpoints), SERVICE_NAME: name_of(endpoints), MANAGED_BY: MIRROR}
    annotations = {name: text for name, text in annotations_of(endpoints).items() if name not in _NOT_COPIED}
    return {"labels": labels, "annotations": annotations}


def _by_ports(endpoints: Object, family: Family, limit: int) -> Mapping[Ports, list[Endpoint]]:
    found: dict[Ports, list[Endpoint]] = {}
    for subset in endpoints.get("subsets") or ():
        addresses = list(_addresses(subset, family, limit))
        if addresses:
            found.setdefault(_ports(subset), []).extend(addresses)
    return found


def _addresses(subset: Mapping[str, Any], family: Family, limit: int) -> Iterable[Endpoint]:
    """Of one family; `limit` is for both together."""
    left = limit
    for field, is_ready in (("addresses", True), ("notReadyAddresses", False)):
        for address in (subset.get(field) or ())[: max(0, left)]:
            left -= 1
            if family_of(address["ip"]) == family:
                yield _endpoint(address, is_ready)


def _endpoint(address: Mapping[str, Any], is_ready: bool) -> Endpoint:
    endpoint: Endpoint = {"addresses": [address["ip"]], "conditions": {"ready": is_ready}}
    for field in ("hostname", "targetRef", "nodeName"):
        if address.get(field):
            endpoint[field] = address[field]
    return endpoint


def _ports(subset: Mapping[str, Any]) -> Ports:
    return tuple(
        sorted(
            (port.get("name") or "", int(port["port"]), port.get("protocol") or "TCP", port.get("appProtocol") or "")
            for port in subset.get("ports") or ()
        )
    )


def _skipped(endpoints: Object, limit: int) -> int:
    counts = [
        len(subset.get("addresses") or ()) + len(subset.get("notReadyAddresses") or ())
        for subset in endpoints.get("subsets") or ()
    ]
    return sum(max(0, count - limit) for count in counts)
