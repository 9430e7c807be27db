"""What claims ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.machinery.expressions import Evaluate, ExpressionError, compile_expression
from cloudk8s.machinery.quantity import Quantity, parse
from cloudk8s.scheduler.devices.device import Device
from cloudk8s.scheduler.pod.toleration import NO_EXECUTE, NO_SCHEDULE, Toleration, untolerated


class ClassMissing(LookupError):
    """A request names a device class that does not exist."""


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """One way to fulfil one request of a claim."""

    name: str
    """With the alternative's own name behind a slash, if there are alternatives."""
    class_name: str
    selectors: tuple[Evaluate, ...]
    count: int
    """0 means all there are on the node."""
    has_admin_access: bool
    """Sees devices that others use, and does not use them up."""
    tolerations: tuple[Toleration, ...]
    capacity: Mapping[str, Quantity] = field(default_factory=dict)
    """How much of capacities it needs at least."""

    def accepts(self, device: Device) -> bool:
        """Whether a device would do if it has enough; a selector that cannot be answered accepts nothing."""
        if untolerated(self.tolerations, device.taints, NO_SCHEDULE, NO_EXECUTE):
            return False
        try:
            return all(selector(device.scope) for selector in self.selectors)
        except ExpressionError:
            return False

    def share_of(self, device: Device) -> Mapping[str, Quantity] | None:
        """How much it takes of a device that several use; nothing of one that is its own; None if that is not there."""
        if self.capacity.keys() - device.capacity.keys():
            return None
        if not device.is_shared:
            is_enough = all(device.capacity[name].value >= amount for name, amount in self.capacity.items())
            return {} if is_enough else None
        found: dict[str, Quantity] = {}
        for name, capacity in device.capacity.items():
            amount = capacity.taken_by(self.capacity.get(name))
            if amount is None:
                return None
            found[name] = amount
        return found


@dataclass(frozen=True, slots=True)
class Constraint:
    """Devices of these requests, of all if there are none, share an attribute, or differ in it."""

    requests: frozenset[str]
    attribute: str
    is_distinct: bool

    def concerns(self, request: str) -> bool:
        return not self.requests or request in self.requests or request.partition("/")[0] in self.requests

    def allows(self, device: Device, chosen: Iterable[Device]) -> bool:
        """Whether a device may join those chosen before."""
        if self.attribute not in device.attributes:
            return False
        value = device.attributes[self.attribute]
        if self.is_distinct:
            return all(other.attributes[self.attribute] != value for other in chosen)
        return all(other.attributes[self.attribute] == value for other in chosen)


@dataclass(frozen=True, slots=True)
class ClaimRequests:
    """All a claim asks for: for each request its alternatives, the best first."""

    claim: Object
    requests: tuple[tuple[DeviceRequest, ...], ...]
    constraints: tuple[Constraint, ...]


ClassOf = Callable[[str], Object | None]


def claim_requests(claim: Object, class_of: ClassOf) -> ClaimRequests:
    """Read a claim. Raises ClassMissing and ExpressionError."""
    devices: Mapping[str, Any] = spec_of(claim).get("devices") or {}
    requests = tuple(_alternatives(item, class_of) for item in devices.get("requests") or ())
    constraints = tuple(
        Constraint(
            frozenset(item.get("requests") or ()),
            item.get("matchAttribute") or item.get("distinctAttribute") or "",
            is_distinct="distinctAttribute" in item,
        )
        for item in devices.get("constraints") or ()
    )
    return ClaimRequests(claim, requests, constraints)


def _alternatives(item: Mapping[str, Any], class_of: ClassOf) -> tuple[DeviceRequest, ...]:
    if several := item.get("firstAvailable"):
        return tuple(_request(f"{item['name']}/{one['name']}", one, class_of) for one in several)
    return (_request(item["name"], item.get("exactly") or item, class_of),)


def _request(name: str, item: Mapping[str, Any], class_of: ClassOf) -> DeviceRequest:
    class_name = item.get("deviceClassName", "")
    found = class_of(class_name)
    if found is None:
        raise ClassMissing(f"request {name}: device class {class_name} does not exist")
    selectors = (*_selectors(spec_of(found).get("selectors")), *_selectors(item.get("selectors")))
    is_all = item.get("allocationMode") == "All"
    tolerations = tuple(
        Toleration(one.get("key") or "", one.get("operator") or "", one.get("value") or "", one.get("effect") or "")
        for one in item.get("tolerations") or ()
    )
    return DeviceRequest(
        name, class_name, selectors, 0 if is_all else int(item.get("count") or 1), bool(item.get("adminAccess")),
        tolerations,
        {key: parse(amount) for key, amount in ((item.get("capacity") or {}).get("requests") or {}).items()},
    )  # fmt: skip


def _selectors(items: Sequence[Mapping[str, Any]] | None) -> list[Evaluate]:
    return [compile_expression((item.get("cel") or {}).get("expression", "")) for item in items or ()]
