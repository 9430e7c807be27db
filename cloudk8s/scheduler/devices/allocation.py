"""Which devices the claims of a pod get on one node: a search that goes back where a constraint forbids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, uid_of
from cloudk8s.scheduler.devices.device import Device, DeviceId
from cloudk8s.scheduler.devices.request import ClaimRequests, Constraint, DeviceRequest

Choice = list[tuple[DeviceRequest, Device]]


@dataclass(slots=True)
class _Search:
    devices: Sequence[Device]
    used: set[DeviceId]
    chosen: dict[int, Choice] = field(default_factory=dict)


def allocate(
    claims: Sequence[ClaimRequests], devices: Sequence[Device], used: Collection[DeviceId]
) -> dict[str, Choice] | None:
    """Devices for every request of every claim, by the claims' UIDs; None if there are not enough.

    `devices` are those that the node can use, `used` those that are allocated already.
    """
    search = _Search(devices, set(used))
    todo = [(number, request) for number, claim in enumerate(claims) for request in claim.requests]
    if not _next(claims, todo, 0, search):
        return None
    return {uid_of(claim.claim): search.chosen.get(number, []) for number, claim in enumerate(claims)}


def _next(
    claims: Sequence[ClaimRequests], todo: Sequence[tuple[int, tuple[DeviceRequest, ...]]], at: int, search: _Search
) -> bool:
    """Fulfil the request at `at` and all after it."""
    if at == len(todo):
        return True
    _, alternatives = todo[at]
    for request in alternatives:
        suitable = [device for device in search.devices if request.accepts(device)]
        count = request.count or len(suitable)
        if count and count <= len(suitable) and _pick(claims, todo, at, search, request, suitable, count):
            return True
    return False


def _pick(
    claims: Sequence[ClaimRequests], todo: Sequence[tuple[int, tuple[DeviceRequest, ...]]], at: int, search: _Search,
    request: DeviceRequest, suitable: Sequence[Device], count: int,
) -> bool:  # fmt: skip
    """Take `count` more devices for a request, then go on; gives back what leads nowhere."""
    if count == 0:
        return _next(claims, todo, at + 1, search)
    number = todo[at][0]
    chosen = search.chosen.setdefault(number, [])
    for index, device in enumerate(suitable):
        if len(suitable) - index < count:
            return False
        if not request.has_admin_access and device.id in search.used:
            continue
        if not _is_allowed(device, request, claims[number].constraints, chosen):
            continue
        chosen.append((request, device))
        if not request.has_admin_access:
            search.used.add(device.id)
        if _pick(claims, todo, at, search, request, suitable[index + 1 :], count - 1):
            return True
        chosen.pop()
        if not request.has_admin_access:
            search.used.discard(device.id)
    return False


def _is_allowed(device: Device, request: DeviceRequest, constraints: Sequence[Constraint], chosen: Choice) -> bool:
    return all(
        constraint.allows(device, [other for one, other in chosen if constraint.concerns(one.name)])
        for constraint in constraints
        if constraint.concerns(request.name)
    )


def allocation_result(claim: Object, choice: Choice, classes: dict[str, Object], node: str) -> dict[str, Any]:
    """A resource.k8s.io AllocationResult."""
    results = [_result(request, device) for request, device in choice]
    devices: dict[str, Any] = {"results": results}
    if config := [*_class_config(choice, classes), *_claim_config(claim, choice)]:
        devices["config"] = config
    found: dict[str, Any] = {"devices": devices}
    if any(device.node for _, device in choice):
        field_ = {"key": "metadata.name", "operator": "In", "values": [node]}
        found["nodeSelector"] = {"nodeSelectorTerms": [{"matchFields": [field_]}]}
    return found


def _result(request: DeviceRequest, device: Device) -> dict[str, Any]:
    driver, pool, name = device.id
    found: dict[str, Any] = {"request": request.name, "driver": driver, "pool": pool, "device": name}
    if request.has_admin_access:
        found["adminAccess"] = True
    if request.tolerations:
        found["tolerations"] = [
            {key: value for key, value in (("key", one.key), ("operator", one.operator), ("value", one.value),
             ("effect", one.effect)) if value}
            for one in request.tolerations
        ]  # fmt: skip
    return found


def _class_config(choice: Choice, classes: dict[str, Object]) -> list[dict[str, Any]]:
    found = []
    for request in dict.fromkeys(request.name for request, _ in choice):
        class_name = next(one.class_name for one, _ in choice if one.name == request)
        for config in spec_of(classes[class_name]).get("config") or ():
            found.append({"source": "FromClass", "requests": [request], **config})
    return found


def _claim_config(claim: Object, choice: Choice) -> list[dict[str, Any]]:
    names = {request.name for request, _ in choice}
    names |= {name.partition("/")[0] for name in names}
    found = []
    for config in (spec_of(claim).get("devices") or {}).get("config") or ():
        wanted = config.get("requests") or ()
        if not wanted or names.intersection(wanted):
            found.append({"source": "FromClaim", **config})
    return found
