"""Which NoExecute taints an allocated device has, and when they end the pods that use it.

https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#device-taints-and-tolerations
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.node_matching import tolerates
from cloudk8s.client.objects import spec_of, status_of, uid_of
from cloudk8s.machinery.times import parse_time

NO_EXECUTE: Final = "NoExecute"
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

Device = Mapping[str, Any]
"""One entry of an allocation's `devices.results`: driver, pool, device, tolerations."""
Taint = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Eviction:
    """When a pod has to go, and the UIDs of the DeviceTaintRules that want it to."""

    at: datetime
    rules: frozenset[str] = frozenset()

    def and_also(self, other: Eviction | None) -> Eviction:
        """Both: the earlier time, everybody's rules."""
        if other is None:
            return self
        return Eviction(min(self.at, other.at), self.rules | other.rules)


def devices_of(claim: Object) -> Sequence[Device]:
    """The devices that a claim was given."""
    allocation = status_of(claim).get("allocation") or {}
    return (allocation.get("devices") or {}).get("results") or ()


def consumers_of(claim: Object) -> Iterable[str]:
    """Index function: UIDs of the pods that a claim is reserved for."""
    reserved = status_of(claim).get("reservedFor") or ()
    return [each["uid"] for each in reserved if not each.get("apiGroup") and each.get("resource") == "pods"]


def pool_of(item: Object) -> Iterable[str]:
    """Index function: `DRIVER/POOL` of a ResourceSlice."""
    spec = spec_of(item)
    return (pool_key(spec.get("driver", ""), (spec.get("pool") or {}).get("name", "")),)


def pools_of(claim: Object) -> Iterable[str]:
    """Index function: the same of the devices that a claim was given."""
    return {pool_key(each.get("driver", ""), each.get("pool", "")) for each in devices_of(claim)}


def pool_key(driver: str, pool: str) -> str:
    return f"{driver}/{pool}"


def taints_in(slices: Iterable[Object]) -> dict[str, Sequence[Taint]]:
    """NoExecute taints by device, as the newest generation of a pool tells."""
    known = list(slices)
    newest = max((_generation(each) for each in known), default=0)
    found: dict[str, Sequence[Taint]] = {}
    for each in known:
        for device in spec_of(each).get("devices") or () if _generation(each) == newest else ():
            taints = [taint for taint in device.get("taints") or () if taint.get("effect") == NO_EXECUTE]
            if taints:
                found[device["name"]] = taints
    return found


def selects(rule: Object, device: Device) -> bool:
    """Whether a rule is about a device; without a selector it is about none."""
    selector = spec_of(rule).get("deviceSelector")
    if selector is None:
        return False
    return all(selector.get(field) in (None, device.get(field)) for field in ("driver", "pool", "device"))


def eviction_by(device: Device, taints: Iterable[Taint], rules: Iterable[Object]) -> Eviction | None:
    """What the taints of one allocated device, and rules that may be about it, lead to."""
    found: Eviction | None = None
    for taint in taints:
        if (at := due(taint, device.get("tolerations") or ())) is not None:
            found = Eviction(at).and_also(found)
    for rule in rules:
        taint = spec_of(rule)["taint"]
        if taint.get("effect") != NO_EXECUTE or not selects(rule, device):
            continue
        if (at := due(taint, device.get("tolerations") or ())) is not None:
            found = Eviction(at, frozenset({uid_of(rule)})).and_also(found)
    return found


def due(taint: Taint, tolerations: Iterable[Mapping[str, Any]]) -> datetime | None:
    """When a taint ends what uses the device; None where it is tolerated for ever."""
    added = parse_time(taint["timeAdded"]) if taint.get("timeAdded") else _LONG_AGO
    used = [each.get("tolerationSeconds") for each in tolerations if tolerates(each, taint)]
    if None in used:
        return None
    return added + timedelta(seconds=min((max(0, int(seconds)) for seconds in used if seconds is not None), default=0))


def _generation(item: Object) -> int:
    return int((spec_of(item).get("pool") or {}).get("generation") or 0)
