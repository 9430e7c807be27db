"""Distribute endpoints over slices: keep what is there, fill what is written anyway, make as few slices as needed.

A change of one endpoint should rewrite one slice, however large the Service is, so slices are not kept full.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_controlled_by
from cloudk8s.controllers.endpoint_slice.endpoints import Endpoint, Ports, port_list, ports_of

CAPACITY = 100


@dataclass(slots=True)
class Plan:
    """What to write. Slices to create have no metadata yet; what is `kept` needs no write."""

    create: list[Object] = field(default_factory=list)
    update: list[Object] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    kept: list[Object] = field(default_factory=list)


def pack(
    existing: Sequence[Object], wanted: Mapping[Ports, Sequence[Endpoint]], family: str, *, capacity: int = CAPACITY
) -> Plan:
    """Bring the slices of one Service and family to the wanted endpoints; never leaves a Service without a slice."""
    plan = Plan()
    by_ports: dict[Ports, list[Object]] = {}
    for item in existing:
        if item.get("addressType") == family:
            by_ports.setdefault(ports_of(item), []).append(item)
    for ports, endpoints in wanted.items():
        _pack_ports(plan, by_ports.pop(ports, []), ports, endpoints, family, capacity)
    spare = [item for items in by_ports.values() for item in items]
    if not wanted:
        _keep_one_empty(plan, spare, family)
    else:
        plan.delete += spare
    return plan


def recycle(plan: Plan, owner: Object) -> None:
    """Rewrite slices of the owner that would be deleted into those that would be created, so that nobody sees a gap."""
    left: list[Object] = []
    for item in plan.delete:
        family = item.get("addressType")
        fits = (index for index, made in enumerate(plan.create) if made["addressType"] == family)
        index = next(fits, None) if is_controlled_by(item, owner) else None
        if index is None:
            left.append(item)
        else:
            plan.update.append({**plan.create.pop(index), "metadata": item["metadata"]})
    plan.delete = left


def _keep_one_empty(plan: Plan, spare: list[Object], family: str) -> None:
    empty = [item for item in spare if not item.get("endpoints") and not item.get("ports")]
    if empty:
        plan.kept.append(empty[0])
        spare.remove(empty[0])
    else:
        plan.create.append(_slice((), [], family))
    plan.delete += spare


def _pack_ports(
    plan: Plan, existing: Sequence[Object], ports: Ports, endpoints: Sequence[Endpoint], family: str, capacity: int
) -> None:
    left = {_identity(endpoint): endpoint for endpoint in endpoints}
    kept: list[tuple[Object, list[Endpoint]]] = []
    changed: list[tuple[Object, list[Endpoint]]] = []
    for item in existing:
        stays, is_changed = _still_wanted(item, left)
        if not stays:
            changed.append((item, stays))
        else:
            (changed if is_changed else kept).append((item, stays))
    rest = list(left.values())
    for _, stays in sorted(changed, key=lambda pair: -len(pair[1])):
        room = capacity - len(stays)
        stays += rest[:room]
        rest = rest[room:]
    while rest and (fit := _best_fit(kept, len(rest), capacity)) is not None:
        item, stays = kept.pop(fit)
        room = capacity - len(stays)
        changed.append((item, stays + rest[:room]))
        rest = rest[room:]
    plan.kept += [item for item, _ in kept]
    for item, stays in changed:
        if stays:
            plan.update.append({**item, "endpoints": stays})
        else:
            plan.delete.append(item)
    for start in range(0, len(rest), capacity):
        plan.create.append(_slice(ports, rest[start : start + capacity], family))


def _still_wanted(item: Object, left: dict[str, Endpoint]) -> tuple[list[Endpoint], bool]:
    """The slice's endpoints that are still wanted, as they should be; they are taken out of `left`."""
    stays, is_changed = [], False
    for endpoint in item.get("endpoints") or ():
        wanted = left.pop(_identity(endpoint), None)
        if wanted is None:
            is_changed = True
            continue
        if not _is_same(endpoint, wanted):
            is_changed = True
        elif "hints" in endpoint:
            wanted = endpoint
        stays.append(wanted)
    return stays, is_changed


def _best_fit(kept: Sequence[tuple[Object, list[Endpoint]]], count: int, capacity: int) -> int | None:
    """The fullest untouched slice that still takes all of the rest, if less than a whole slice is left."""
    if count >= capacity:
        return None
    fits = [(len(stays), index) for index, (_, stays) in enumerate(kept) if len(stays) + count <= capacity]
    return max(fits)[1] if fits else None


def _identity(endpoint: Mapping[str, Any]) -> str:
    target = endpoint.get("targetRef") or {}
    return f"{target.get('uid', '')}/{','.join(sorted(endpoint.get('addresses') or ()))}"


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Equal but for hints, which are set later."""
    return _bare(one) == _bare(other)


def _bare(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in endpoint.items() if name != "hints"}


def _slice(ports: Ports, endpoints: Iterable[Endpoint], family: str) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": family,
        "endpoints": list(endpoints),
        "ports": port_list(ports),
    }
