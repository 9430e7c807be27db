"""Make IPAddresses and Services agree: every cluster address is held, and none is held for nobody.

The part of an API server that repairs what a crash between two writes, or a careless hand, has left.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key, key_of, labels_of, name_of, namespace_of, spec_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import IP_ADDRESSES, SERVICE_CIDRS, SERVICES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.service_ranges import address_of, holders, ip_address_for, is_allocated
from cloudk8s.errors import NotFound
from cloudk8s.machinery.times import parse_time

GRACE: Final = timedelta(seconds=60)
"""How long an address may be held for a Service that is still being created."""
PERIOD: Final = 180.0
LET_GO: Final = 10.0
"""Seconds in which an API server lets an address go whose Service is gone."""


class ServiceAddressRepair:
    """Looks at what changes, and now and then at everything."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._events = context.events.for_component("ipallocator-repair-controller")
        self._service_queue: WorkQueue[str] = WorkQueue(
            "ipallocator_repair_services", clock=context.clock, instruments=context.instruments
        )
        self._address_queue: WorkQueue[str] = WorkQueue(
            "ipallocator_repair_addresses", clock=context.clock, instruments=context.instruments
        )
        self._ranges = context.informers.of(SERVICE_CIDRS)
        self._services = context.informers.of(SERVICES)
        self._services.add_handler(self._service_changed)
        self._addresses = context.informers.of(IP_ADDRESSES)
        self._addresses.add_handler(self._address_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._resync())
            group.create_task(run_workers(self._service_queue, 1, self._check_service))
            group.create_task(run_workers(self._address_queue, 1, self._check_address))

    async def _resync(self) -> None:
        while True:
            await self._context.clock.sleep(PERIOD)
            for service in self._services.list():
                self._service_queue.add(key_of(service))
            for address in self._addresses.list():
                self._address_queue.add(name_of(address))

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        service = new or old
        assert service is not None
        self._service_queue.add(key_of(service))
        for address in {*_addresses_of(old)} - {*_addresses_of(new)}:
            self._address_queue.add_after(address, LET_GO)

    def _address_changed(self, old: Object | None, new: Object | None) -> None:
        held = new or old
        assert held is not None
        self._address_queue.add(name_of(held))
        if parent := _service_of(held):
            self._service_queue.add(parent)

    # From the Service's side

    async def _check_service(self, name: str) -> timedelta | None:
        service = self._services.get_key(name)
        for address in _addresses_of(service):
            assert service is not None
            await self._check_one(service, address)
        return None

    async def _check_one(self, service: Object, text: str) -> None:
        address = address_of(text)
        if address is None:
            message = f"Cluster IP {text} is not a valid IP; please recreate Service"
            self._events.warning(service, "ClusterIPNotValid", message)
            return
        shown = f"[IPv{address.version}]"
        if not holders(self._ranges.list(), address):
            message = f"Cluster IP {shown}: {text} is not within any configured Service CIDR; please recreate service"
            self._events.warning(service, "ClusterIPOutOfRange", message)
            return
        if _is_right(self._addresses.get(str(address)), service):
            return
        held = await self._live(str(address))
        if held is None:
            message = f"Cluster IP {shown}: {text} is not allocated; repairing"
            self._events.warning(service, "ClusterIPNotAllocated", message)
            await self._client.create(IP_ADDRESSES, ip_address_for(str(address), service))
        elif _service_of(held) != key_of(service):
            await self._settle(service, shown, held)
        elif not _is_right(held, service):
            await self._replace(service, str(address))

    async def _live(self, address: str) -> Object | None:
        """What the server has; the cache of addresses may be behind that of Services."""
        try:
            return await self._client.get(IP_ADDRESSES, address)
        except NotFound:
            return None

    async def _settle(self, service: Object, shown: str, held: Object) -> None:
        """Somebody else is named: one of two Services with one address, or nobody that is there."""
        other, address = self._services.get_key(_service_of(held)), name_of(held)
        if other is not None and address in _addresses_of(other):
            message = f"Cluster IP {shown}:{address} was assigned to multiple services; please recreate service"
            self._events.warning(service, "ClusterIPAlreadyAllocated", message)
            return
        where = f"{namespace_of(service)}/{name_of(service)}"
        message = f"the ClusterIP {shown}: {address} for Service {where} has a wrong reference; repairing"
        self._events.warning(service, "ClusterIPNotAllocated", message)
        await self._replace(service, address)

    async def _replace(self, service: Object, address: str) -> None:
        await self._delete(address)
        await self._client.create(IP_ADDRESSES, ip_address_for(address, service))

    # From the address's side

    async def _check_address(self, name: str) -> timedelta | None:
        held = self._addresses.get(name)
        if held is None or not is_allocated(held):
            return None
        parent = spec_of(held).get("parentRef") or {}
        owner = _service_of(held)
        if not owner:
            message = (
                f"IPAddress {name} appears to have been modified, not referencing a Service {dict(parent)}: cleaning up"
            )
            await self._drop(held, "IPAddressNotAllocated", message)
            return None
        service = self._services.get_key(owner)
        if service is None:
            return await self._check_leak(held, owner)
        if name not in _addresses_of(service):
            message = f"IPAddress: {name} for Service {owner} has a wrong reference; cleaning up"
            await self._drop(held, "IPAddressWrongReference", message)
        return None

    async def _check_leak(self, held: Object, owner: str) -> timedelta | None:
        left = parse_time(held["metadata"]["creationTimestamp"]) + GRACE - self._context.clock.now()
        if left > timedelta(0):
            return left
        message = f"IPAddress: {name_of(held)} for Service {owner} appears to have leaked: cleaning up"
        await self._drop(held, "IPAddressNotAllocated", message)
        return None

    async def _drop(self, held: Object, reason: str, message: str) -> None:
        self._events.warning(held, reason, message)
        await self._delete(name_of(held))

    async def _delete(self, name: str) -> None:
        try:
            await self._client.delete(IP_ADDRESSES, name)
        except NotFound:
            return


def _addresses_of(service: Object | None) -> list[str]:
    """The cluster addresses of a Service; headless ones and external names have none."""
    if service is None or spec_of(service).get("type") == "ExternalName":
        return []
    found = spec_of(service).get("clusterIPs") or [spec_of(service).get("clusterIP")]
    return [str(address) for address in found if address and address != "None"]


def _is_right(held: Object | None, service: Object) -> bool:
    """Whether an address is held for the Service, and labelled as the allocator does it."""
    if held is None or _service_of(held) != key_of(service):
        return False
    wanted = labels_of(ip_address_for(name_of(held), service))
    return labels_of(held).items() >= wanted.items()


def _service_of(held: Object) -> str:
    """The key of the Service that an address is held for; empty if it is for something else."""
    parent = spec_of(held).get("parentRef") or {}
    if parent.get("group") or parent.get("resource") != "services":
        return ""
    return key(parent.get("namespace", ""), parent.get("name", ""))
