"""Keep a ServiceCIDR until no Service has an address that only it gives.

https://kubernetes.io/docs/tasks/network/extend-service-ip-ranges/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import finalizers_of, is_deleting, is_true, key_of, labels_of, name_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import IP_ADDRESSES, SERVICE_CIDRS
from cloudk8s.controllers import conditions
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.service_ranges import (
    FAMILY_LABEL,
    Network,
    address_of,
    covering,
    holders,
    is_allocated,
    networks_of,
    overlap,
)
from cloudk8s.errors import Conflict, NotFound, StatusError
from cloudk8s.machinery.times import parse_time

FINALIZER: Final = "networking.k8s.io/service-cidr-finalizer"
GRACE: Final = timedelta(seconds=10)
"""Until when API servers have noticed that nothing is to be allocated from the range any more."""


class ServiceCIDRController:
    """Looks at a ServiceCIDR when it, one that overlaps it, or an address in it changes."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._events = context.events.for_component("service-cidr-controller")
        self._queue: WorkQueue[str] = WorkQueue("service_cidrs", clock=context.clock, instruments=context.instruments)
        self._ranges = context.informers.of(SERVICE_CIDRS)
        self._ranges.add_handler(self._range_changed)
        self._addresses = context.informers.of(IP_ADDRESSES)
        self._addresses.add_handler(self._address_changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_syncs, self._reconcile)

    def _range_changed(self, old: Object | None, new: Object | None) -> None:
        changed = new or old
        assert changed is not None
        for item in self._ranges.list():
            if name_of(item) == name_of(changed) or (is_deleting(item) and overlap(item, changed)):
                self._queue.add(key_of(item))

    def _address_changed(self, old: Object | None, new: Object | None) -> None:
        """Only an address that is gone can set a range free."""
        address = address_of(name_of(old)) if new is None and old is not None else None
        for item in holders(self._ranges.list(), address) if address is not None else ():
            if is_deleting(item):
                self._queue.add(key_of(item))

    async def _reconcile(self, name: str) -> timedelta | None:
        found = self._ranges.get_key(name)
        if found is None:
            return None
        if is_deleting(found):
            return await self._let_go(found)
        if FINALIZER not in finalizers_of(found):
            found = await self._patch(found, {"finalizers": [FINALIZER]})
        if not is_true(found, "Ready"):
            await self._set_ready(found)
        return None

    async def _let_go(self, found: Object) -> timedelta | None:
        if self._is_needed(found):
            message = "There are still IPAddresses referencing the ServiceCIDR, "
            message += "please remove them or create a new ServiceCIDR"
            await self._say(found, "False", "Terminating", message)
            return None
        left = parse_time(found["metadata"]["deletionTimestamp"]) + GRACE - self._context.clock.now()
        if left > timedelta(0):
            return left
        if FINALIZER in finalizers_of(found):
            await self._patch(found, {"$deleteFromPrimitiveList/finalizers": [FINALIZER]})
        return None

    def _is_needed(self, found: Object) -> bool:
        """Whether an address would be left without a range; none is where another range has all of this one."""
        networks = list(networks_of(found))
        if all(self._others(covering(self._ranges.list(), network), found) for network in networks):
            return False
        return any(self._is_last_holder(found, network) for network in networks)

    def _is_last_holder(self, found: Object, network: Network) -> bool:
        for item in self._addresses.list():
            if not is_allocated(item) or labels_of(item).get(FAMILY_LABEL) != f"IPv{network.version}":
                continue
            address = address_of(name_of(item))
            if address is not None and [name_of(each) for each in holders(self._ranges.list(), address)] == [
                name_of(found)
            ]:
                return True
        return False

    def _others(self, items: list[Object], found: Object) -> list[Object]:
        return [item for item in items if name_of(item) != name_of(found)]

    async def _set_ready(self, found: Object) -> None:
        try:
            await self._say(found, "True", "", "Kubernetes Service CIDR is ready")
        except Conflict:
            raise
        except StatusError:
            message = "The ServiceCIDR Status can not be set to Ready=True"
            self._events.warning(found, "KubernetesServiceCIDRError", message)
            raise

    async def _say(self, found: Object, status: str, reason: str, message: str) -> None:
        said = conditions.find(status_of(found).get("conditions"), "Ready") or {}
        if (said.get("status"), said.get("reason"), said.get("message")) == (status, reason, message):
            return
        ready = conditions.new("Ready", status, reason, message, self._context.clock.now())
        wanted = {
            **status_of(found),
            "conditions": conditions.with_condition(status_of(found).get("conditions"), ready),
        }
        try:
            await self._client.update(SERVICE_CIDRS, {**found, "status": wanted}, subresource="status")
        except NotFound:
            return

    async def _patch(self, found: Object, metadata: Mapping[str, Any]) -> Object:
        return await self._client.patch(SERVICE_CIDRS, name_of(found), {"metadata": metadata}, type="strategic")
