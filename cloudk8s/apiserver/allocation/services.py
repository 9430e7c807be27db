"""Give Services their addresses and node ports as the last step of admission, and take them back."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from cloudk8s.api.field_errors import FieldError, internal, invalid
from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.apiserver.allocation import families
from cloudk8s.apiserver.allocation.addresses import Addresses, AddressTaken
from cloudk8s.apiserver.allocation.ports import Ports
from cloudk8s.apiserver.core import Core
from cloudk8s.machinery import names

Spec = dict[str, Any]


class ServiceAllocation(AdmissionPlugin):
    """Not a plugin of upstream's, which does the same inside its Service storage; it runs after all that are."""

    def __init__(self, ranges: tuple[str, ...], node_ports: str) -> None:
        self._ranges = ranges
        self._node_ports = node_ports
        self._releases: dict[str, asyncio.Task[None]] = {}

    def attach(self, core: Core) -> None:
        """Build the allocators over a core."""
        super().attach(core)
        self._addresses = Addresses(core, self._ranges)
        self._ports = Ports(core, self._node_ports)

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        return resource.plural == "services" and not resource.group and not subresource

    async def admit(self, request: AdmissionRequest) -> None:
        if request.operation == "DELETE":
            old: Spec = (request.old or {}).get("spec", {})
            request.on_commit.append(lambda: self._release(_addresses_of(old)))
            return
        assert request.obj is not None
        spec: Spec = request.obj["spec"]
        before: Spec | None = request.old["spec"] if request.old else None
        if before is not None:
            _carry_over(spec, before)
            if _ends_deletion(request.obj["metadata"]):
                held = _addresses_of(before)
                request.on_commit.append(lambda: self._release(held))
        else:
            _give_name(request, self.core.strategy(request.resource).generate_name_max)
        families.normalize(spec, before)
        if not families.are_readable(spec):
            return
        errors = await self._addresses_for(request, spec, before)
        errors = errors or self._ports_for(request, spec, before)
        if errors:
            raise failures.invalid_object(request.resource, request.name, errors)

    async def _addresses_for(self, request: AdmissionRequest, spec: Spec, before: Spec | None) -> list[FieldError]:
        if not _needs_address(spec):
            self._drop_addresses(request, spec, before)
            return []
        errors = families.complete(spec, self._addresses.families, is_new=before is None)
        if errors or (spec.get("clusterIPs") or [])[:1] == ["None"]:
            return errors
        held = _addresses_of(before) if before and _needs_address(before) else []
        wanted: list[str] = list(spec.get("clusterIPs") or [])
        if held and wanted[:1] != held[:1]:
            return []  # validation refuses it: an address may not change
        taken: list[str] = []
        request.on_failure.append(lambda: self._release(taken))
        request.on_rename.append(lambda: self._rename(request, taken))
        name = request.obj["metadata"].get("name") or request.name  # type: ignore[index]
        for index, family in enumerate(spec["ipFamilies"]):
            if index < len(held):
                continue
            given = wanted[index] if index < len(wanted) else ""
            try:
                address = await self._address(request, family, given, name)
            except AddressTaken as error:
                if not given:
                    return [internal("spec.clusterIPs", f"failed to allocate a serviceIP: {error}")]
                return [invalid("spec.clusterIPs", wanted, f"failed to allocate IP {given}: {error}")]
            if not request.dry_run:
                taken.append(address)
            wanted[index:] = [address]
        spec["clusterIPs"], spec["clusterIP"] = wanted, wanted[0]
        dropped = held[len(spec["ipFamilies"]) :]
        if dropped:
            spec["clusterIPs"] = wanted[: len(spec["ipFamilies"])]
            request.on_commit.append(lambda: self._release(dropped))
        return []

    async def _address(self, request: AdmissionRequest, family: str, given: str, name: str) -> str:
        """The address that was asked for, or any; held but for a dry run."""
        if (release := self._releases.get(given)) is not None:
            await asyncio.wait({release})
        if request.dry_run:
            return self._addresses.check(given) if given else self._addresses.free(family)
        if given:
            await self._addresses.take(given, request.namespace, name)
            return given
        return await self._addresses.take_any(family, request.namespace, name)

    async def _rename(self, request: AdmissionRequest, taken: list[str]) -> None:
        """The generated name was another Service's: what was taken is this one's by its new name."""
        for address in list(taken):
            taken.remove(address)
            try:
                await self._addresses.rename(address, request.namespace, request.name)
            except AddressTaken as error:
                detail = internal("spec.clusterIPs", f"failed to allocate a serviceIP: {error}")
                raise failures.invalid_object(request.resource, request.name, [detail]) from error
            taken.append(address)

    def _drop_addresses(self, request: AdmissionRequest, spec: Spec, before: Spec | None) -> None:
        """A Service that became ExternalName gives its addresses back."""
        if before is None or not _needs_address(before):
            return
        held = _addresses_of(before)
        if spec.get("clusterIPs") == before.get("clusterIPs"):
            for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
                spec.pop(field, None)
        request.on_commit.append(lambda: self._release(held))

    def _ports_for(self, request: AdmissionRequest, spec: Spec, before: Spec | None) -> list[FieldError]:
        if not _needs_ports(spec):
            return []
        held = {port["nodePort"] for port in (before or {}).get("ports") or [] if port.get("nodePort")}
        mine: dict[int, str] = {}
        by_port: dict[int, int] = {}
        for index, port in enumerate(spec.get("ports") or []):
            number = port.get("nodePort") or 0
            protocol = port.get("protocol", "TCP")
            if number in held or (number and mine.get(number, protocol) != protocol):
                continue
            if number and by_port.setdefault(port.get("port") or 0, number) == number and number in mine:
                continue  # the same port twice, which validation finds
            if number:
                path = f"spec.ports[{index}].nodePort"
                if not self._ports.is_valid(number):
                    text = self._ports.text
                    detail = f"provided port is not in the valid range. The range of valid ports is {text}"
                    return [invalid(path, number, detail)]
                if not self._ports.take(number):
                    return [invalid(path, number, "provided port is already allocated")]
            elif spec.get("allocateLoadBalancerNodePorts") is not False or spec["type"] != "LoadBalancer":
                free = self._ports.take_any()
                if free is None:
                    return [internal(f"spec.ports[{index}].nodePort", "failed to allocate a nodePort: range is full")]
                number = port["nodePort"] = free
            if number:
                mine[number] = protocol
                request.on_end.append(partial(self._ports.settle, number))
        return self._health_port(request, spec, before)

    def _health_port(self, request: AdmissionRequest, spec: Spec, before: Spec | None) -> list[FieldError]:
        if spec["type"] != "LoadBalancer" or spec.get("externalTrafficPolicy") != "Local":
            return []
        number = spec.get("healthCheckNodePort") or 0
        if number and number == (before or {}).get("healthCheckNodePort"):
            return []
        path = "spec.healthCheckNodePort"
        if number:
            if not self._ports.take(number):
                return [invalid(path, number, "provided port is already allocated")]
        else:
            free = self._ports.take_any()
            if free is None:
                return [internal(path, "failed to allocate a nodePort: range is full")]
            number = spec["healthCheckNodePort"] = free
        request.on_end.append(partial(self._ports.settle, number))
        return []

    def _release(self, addresses: list[str]) -> None:
        for address in addresses:
            task = asyncio.create_task(self._addresses.release(address), name=f"release {address}")
            self._releases[address] = task
            task.add_done_callback(lambda _, address=address: self._releases.pop(address, None))  # type: ignore[misc]


def _give_name(request: AdmissionRequest, max_length: int) -> None:
    """Make the name now where it is generated: whose an address is, is written down by name."""
    assert request.obj is not None
    metadata = request.obj["metadata"]
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = names.generate_name(metadata["generateName"], max_length=max_length)


def _needs_address(spec: Spec) -> bool:
    return spec.get("type") in ("ClusterIP", "NodePort", "LoadBalancer")


def _needs_ports(spec: Spec) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer")


def _ends_deletion(metadata: dict[str, Any]) -> bool:
    """Whether an update takes the last finalizer off a Service that is being deleted."""
    return bool(metadata.get("deletionTimestamp")) and not metadata.get("finalizers")


def _addresses_of(spec: Spec) -> list[str]:
    return [item for item in spec.get("clusterIPs") or [] if item and item != "None"]


def _carry_over(spec: Spec, before: Spec) -> None:
    """Keep what was allocated where the client left it out (upstream's `patchAllocatedValues`), drop what goes."""
    if _needs_address(spec) and _needs_address(before):
        if not spec.get("clusterIPs") and spec.get("clusterIP", "") in ("", before.get("clusterIP")):
            for field in ("clusterIP", "clusterIPs"):
                if field in before:
                    spec[field] = before[field]
        for field in ("ipFamilies", "ipFamilyPolicy"):
            if not spec.get(field) and before.get(field):
                spec[field] = before[field]
    if _needs_ports(spec) and _needs_ports(before):
        known = {port.get("name", ""): port.get("nodePort") for port in before.get("ports") or []}
        used = {port.get("nodePort") for port in spec.get("ports") or []}
        for port in spec.get("ports") or []:
            number = known.get(port.get("name", ""))
            if not port.get("nodePort") and number and number not in used:
                port["nodePort"] = number
        if spec.get("externalTrafficPolicy") == "Local" and before.get("healthCheckNodePort"):
            spec.setdefault("healthCheckNodePort", before["healthCheckNodePort"])
    if _needs_ports(before) and not _needs_ports(spec):
        held = {port.get("nodePort") for port in before.get("ports") or []}
        for port in spec.get("ports") or []:
            if port.get("nodePort") in held:
                port.pop("nodePort", None)
