"""Devices, as drivers publish them in ResourceSlices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.machinery import quantity
from cloudk8s.machinery.expressions import Version
from cloudk8s.machinery.quantity import Quantity
from cloudk8s.scheduler.devices.capacity import Capacity, of_device
from cloudk8s.scheduler.pod.node_selection import NodeTerm, node_terms
from cloudk8s.scheduler.pod.toleration import Taint

DeviceId = tuple[str, str, str]
"""Driver, pool and name."""
CounterId = tuple[str, str, str, str]
"""Driver, pool, set and name of a counter that devices of a pool share."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device, and where it can be used."""

    id: DeviceId
    attributes: Mapping[str, Any]
    """By qualified name, `domain/name`."""
    scope: Mapping[str, Any] = field(repr=False)
    """What selectors see as `device`."""
    taints: tuple[Taint, ...]
    node: str
    """The node it is on; empty where terms say, or anywhere."""
    terms: tuple[NodeTerm, ...] | None
    selector: Mapping[str, Any] | None = None
    """These terms, as they were written."""
    capacity: Mapping[str, Capacity] = field(default_factory=dict)
    is_shared: bool = False
    """Whether several may have a part of it at once."""
    consumes: Mapping[CounterId, Quantity] = field(default_factory=dict)
    """What it takes of counters while it is in use, by whomever."""
    binding_conditions: tuple[str, ...] = ()
    """What its driver says once it is ready for a pod that it was allocated to."""
    binding_failure_conditions: tuple[str, ...] = ()
    binds_to_node: bool = False
    """Whether it belongs to the node once it is allocated there."""

    @property
    def driver(self) -> str:
        return self.id[0]


@dataclass(frozen=True, slots=True)
class Inventory:
    """The devices and counters of all complete pools, of the latest generation of each."""

    by_id: Mapping[DeviceId, Device] = field(default_factory=dict)
    counters: Mapping[CounterId, Quantity] = field(default_factory=dict)


def inventory_of(slices: Iterable[Object]) -> Inventory:
    """Read ResourceSlices."""
    current = list(_current(slices))
    devices = {device.id: device for item in current for device in _devices(item)}
    return Inventory(devices, dict(counter for item in current for counter in _counters(item)))


def _current(slices: Iterable[Object]) -> Iterator[Object]:
    pools: dict[tuple[str, str], list[Object]] = {}
    for item in slices:
        spec = spec_of(item)
        pools.setdefault((spec.get("driver", ""), (spec.get("pool") or {}).get("name", "")), []).append(item)
    for items in pools.values():
        latest = max(_generation(item) for item in items)
        current = [item for item in items if _generation(item) == latest]
        if len(current) == int(spec_of(current[0])["pool"].get("resourceSliceCount") or 1):
            yield from current


def _generation(item: Object) -> int:
    return int((spec_of(item).get("pool") or {}).get("generation") or 0)


def _counters(item: Object) -> Iterator[tuple[CounterId, Quantity]]:
    spec = spec_of(item)
    for each in spec.get("sharedCounters") or ():
        for name, counter in (each.get("counters") or {}).items():
            yield (spec["driver"], spec["pool"]["name"], each["name"], name), quantity.parse(counter["value"])


def _devices(item: Object) -> Iterator[Device]:
    spec = spec_of(item)
    driver, pool = spec["driver"], spec["pool"]["name"]
    for entry in spec.get("devices") or ():
        place = entry if spec.get("perDeviceNodeSelection") else spec
        selector = place.get("nodeSelector")
        attributes = {
            _qualified(name, driver): _value(value) for name, value in (entry.get("attributes") or {}).items()
        }
        capacity = of_device(entry)
        by_name = {_qualified(name, driver): one.value for name, one in capacity.items()}
        is_shared = bool(entry.get("allowMultipleAllocations"))
        scope = {
            "driver": driver, "attributes": _by_domain(attributes), "capacity": _by_domain(by_name),
            "allowMultipleAllocations": is_shared,
        }  # fmt: skip
        taints = tuple(
            Taint(taint.get("key", ""), taint.get("value") or "", taint.get("effect", ""))
            for taint in entry.get("taints") or ()
        )
        yield Device(
            (driver, pool, entry["name"]), attributes, {"device": scope}, taints, place.get("nodeName") or "",
            node_terms(selector) if selector is not None else None, selector, capacity, is_shared,
            {
                (driver, pool, used["counterSet"], name): quantity.parse(counter["value"])
                for used in entry.get("consumesCounters") or ()
                for name, counter in (used.get("counters") or {}).items()
            },
            tuple(entry.get("bindingConditions") or ()), tuple(entry.get("bindingFailureConditions") or ()),
            bool(entry.get("bindsToNode")),
        )  # fmt: skip


def _qualified(name: str, driver: str) -> str:
    return name if "/" in name else f"{driver}/{name}"


def _value(attribute: Mapping[str, Any]) -> Any:
    if "version" in attribute:
        return Version.parse(attribute["version"])
    return next((attribute[kind] for kind in ("bool", "int", "string") if kind in attribute), None)


class _Domains(dict[str, Any]):
    """A domain that no attribute is in has none, rather than being an error."""

    def __missing__(self, key: str) -> Mapping[str, Any]:
        return {}


def _by_domain(values: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _Domains()
    for name, value in values.items():
        domain, _, short = name.partition("/")
        found.setdefault(domain, {})[short] = value
    return found
