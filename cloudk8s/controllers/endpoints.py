"""Endpoints: the addresses behind each Service in the form that came before EndpointSlices.

https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoints-v1/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, key_of, labels_of, name_of, namespace_of, spec_of, split_key
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import ENDPOINTS, PODS, SERVICES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import is_namespace_terminating, is_ready
from cloudk8s.controllers.service_pods import (
    HEADLESS_LABEL,
    ServicePods,
    addresses_of,
    belongs,
    families_of,
    hostname_of,
    is_headless,
    is_managed,
    publishes_not_ready,
    target_of,
    target_port,
)
from cloudk8s.controllers.trigger_times import ANNOTATION as TRIGGER_TIME
from cloudk8s.controllers.trigger_times import TriggerTimes, stamped
from cloudk8s.errors import AlreadyExists, NotFound, StatusError

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
MANAGER = "endpoint-controller"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
LEADER = "control-plane.alpha.kubernetes.io/leader"
LIMIT = 1000
COALESCE = 0.02

Port = tuple[str, int, str, str]


class EndpointsController:
    """Keeps the Endpoints object of every Service that selects pods."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._events = context.events.for_component("endpoint-controller")
        self._queue: WorkQueue[str] = WorkQueue("endpoint", clock=context.clock, instruments=context.instruments)
        self._patience = max(COALESCE, context.options.endpoint_updates_batch_period.total_seconds())
        self._triggers = TriggerTimes()
        self._services = context.informers.of(SERVICES)
        self._services.add_handler(self._service_changed)
        pods = context.informers.of(PODS)
        self._service_pods = ServicePods(self._services, pods)
        pods.add_handler(self._pod_changed)
        self._endpoints = context.informers.of(ENDPOINTS)
        self._endpoints.add_handler(self._endpoints_changed)

    async def run(self) -> None:
        self._enqueue_leftovers()
        await run_workers(self._queue, self._context.options.concurrent_endpoint_syncs, self._reconcile)

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        for service in self._service_pods.affected(old, new):
            self._queue.add_after(service, self._patience)

    def _endpoints_changed(self, old: Object | None, new: Object | None) -> None:
        """What others change of a Service's Endpoints is put right; those without a Service are somebody's own."""
        if old is not None and self._services.get_key(key_of(old)) is not None:
            self._queue.add(key_of(old))

    def _enqueue_leftovers(self) -> None:
        """Endpoints whose Service went while nobody looked; locks of leader elections are not ours."""
        for endpoints in self._endpoints.list():
            if LEADER not in annotations_of(endpoints) and self._services.get_key(key_of(endpoints)) is None:
                self._queue.add(key_of(endpoints))

    async def _reconcile(self, name: str) -> timedelta | None:
        service = self._services.get_key(name)
        if service is None:
            self._triggers.forget(name)
            await self._delete(name)
        elif is_managed(service):
            await self._write(service, self._endpoints.get_key(name))
        return None

    async def _delete(self, name: str) -> None:
        endpoints = self._endpoints.get_key(name)
        if endpoints is None or LEADER in annotations_of(endpoints):
            return
        namespace, name = split_key(name)
        try:
            await self._client.delete(ENDPOINTS, name, namespace=namespace)
        except NotFound:
            return

    async def _write(self, service: Object, current: Object | None) -> None:
        pods = self._service_pods.pods_of(service)
        wanted, is_truncated = subsets_of(service, pods)
        labels = {name: value for name, value in labels_of(service).items() if name != HEADLESS_LABEL}
        labels |= {MANAGED_BY: MANAGER} | ({HEADLESS_LABEL: ""} if is_headless(service) else {})
        annotations = dict(annotations_of(current)) if current else {}
        for name in (OVER_CAPACITY, TRIGGER_TIME):
            annotations.pop(name, None)
        if is_truncated:
            annotations[OVER_CAPACITY] = "truncated"
        if current is not None and _is_same(current, wanted, labels, annotations):
            return
        metadata = (
            dict(current["metadata"]) if current else {"name": name_of(service), "namespace": namespace_of(service)}
        )
        metadata |= {"labels": labels, "annotations": annotations}
        if not annotations:
            del metadata["annotations"]
        made = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
        if wanted:
            made["subsets"] = wanted
        moment = self._triggers.earliest_change(service, pods)
        await self._put(service, stamped(made, moment), is_new=current is None)

    async def _put(self, service: Object, endpoints: Object, *, is_new: bool) -> None:
        try:
            if is_new:
                await self._client.create(ENDPOINTS, endpoints, namespace=namespace_of(service))
            else:
                await self._client.update(ENDPOINTS, endpoints)
        except AlreadyExists:
            self._queue.add_rate_limited(key_of(service))
        except StatusError as error:
            if is_namespace_terminating(error):
                return
            if is_new:
                message = f"Failed to create endpoint for service {key_of(service)}: {error}"
                self._events.warning(endpoints, "FailedToCreateEndpoint", message)
            else:
                message = f"Failed to update endpoint {key_of(service)}: {error}"
                self._events.warning(endpoints, "FailedToUpdateEndpoint", message)
            raise


def subsets_of(service: Object, pods: Iterable[Object]) -> tuple[list[dict[str, Any]], bool]:
    """The `subsets` of a Service's Endpoints in canonical form, and whether addresses were left out.

    Addresses with the same ports share a subset; ready and not ready ones are listed apart in it.
    """
    found: dict[frozenset[Port], dict[bool, dict[tuple[str, str], dict[str, Any]]]] = {}
    for address, is_usable, ports in _located(service, pods):
        identity = (address["ip"], address["targetRef"]["uid"])
        found.setdefault(ports, {True: {}, False: {}})[is_usable][identity] = address
    total = sum(len(group) for groups in found.values() for group in groups.values())
    room = LIMIT
    subsets = []
    for ports, groups in sorted(found.items(), key=lambda item: sorted(item[0])):
        subset: dict[str, Any] = {}
        for field, is_usable in (("addresses", True), ("notReadyAddresses", False)):
            addresses = [address for _, address in sorted(groups[is_usable].items())][:room]
            room -= len(addresses)
            if addresses:
                subset[field] = addresses
        if listed := [_port(port) for port in sorted(ports)]:
            subset["ports"] = listed
        if len(subset) > (1 if listed else 0):
            subsets.append(subset)
    return subsets, total > LIMIT


def _located(service: Object, pods: Iterable[Object]) -> Iterable[tuple[dict[str, Any], bool, frozenset[Port]]]:
    """Each pod's address, whether it counts as ready, and the ports it has there."""
    tolerates = publishes_not_ready(service)
    family = families_of(service)[0]
    for pod in pods:
        if not belongs(pod, include_terminating=tolerates):
            continue
        addresses = addresses_of(pod, family)
        if not addresses:
            continue
        ports = frozenset(_ports(service, pod))
        if not ports and spec_of(service).get("ports"):
            continue
        yield _address(service, pod, addresses[0]), tolerates or is_ready(pod), ports


def _ports(service: Object, pod: Object) -> Iterable[Port]:
    for port in spec_of(service).get("ports") or ():
        number = target_port(pod, port)
        if number is not None:
            yield port.get("name") or "", number, port.get("protocol") or "TCP", port.get("appProtocol") or ""


def _address(service: Object, pod: Object, ip: str) -> dict[str, Any]:
    address: dict[str, Any] = {"ip": ip}
    if hostname := hostname_of(pod, service):
        address["hostname"] = hostname
    if node := spec_of(pod).get("nodeName"):
        address["nodeName"] = node
    return address | {"targetRef": target_of(pod)}


def _port(port: Port) -> dict[str, Any]:
    name, number, protocol, application = port
    listed: dict[str, Any] = {"name": name} if name else {}
    listed |= {"port": number, "protocol": protocol}
    return listed | ({"appProtocol": application} if application else {})


def _is_same(
    current: Object, subsets: list[dict[str, Any]], labels: Mapping[str, str], annotations: Mapping[str, str]
) -> bool:
    described = {name: text for name, text in annotations_of(current).items() if name != TRIGGER_TIME}
    is_described = labels_of(current) == labels and described == annotations
    return is_described and (current.get("subsets") or []) == subsets
