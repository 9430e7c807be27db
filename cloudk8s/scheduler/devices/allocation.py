"""Which devices the claims of a pod get on one node: a search that goes back where a constraint forbids."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, uid_of
from cloudk8s.scheduler.devices.device import Device
from cloudk8s.scheduler.devices.request import ClaimRequests, Constraint, DeviceRequest
from cloudk8s.scheduler.devices.usage import Share, Usage


@dataclass(frozen=True, slots=True)
class Pick:
    """A device for a request, and how much of it where several use it."""

    request: DeviceRequest
    device: Device
    share: Share = field(default_factory=dict)


Choice = list[Pick]


@dataclass(slots=True)
class _Search:
    devices: Sequence[Device]
    used: Usage
    chosen: dict[int, Choice] = field(default_factory=dict)


def allocate(claims: Sequence[ClaimRequests], devices: Sequence[Device], used: Usage) -> dict[str, Choice] | None:
    """Devices for every request of every claim, by the claims' UIDs; None if there are not enough.

    `devices` are those that the node can use, `used` is what is taken already; it is afterwards what it was before.
    """
    search = _Search(devices, used)
    todo = [(number, request) for number, claim in enumerate(claims) for request in claim.requests]
    if not _next(claims, todo, 0, search):
        return None
    for choice in search.chosen.values():
        for pick in choice:
            _give_back(pick, used)
    return {uid_of(claim.claim): search.chosen.get(number, []) for number, claim in enumerate(claims)}


def _next(
    claims: Sequence[ClaimRequests], todo: Sequence[tuple[int, tuple[DeviceRequest, ...]]], at: int, search: _Search
) -> bool:
    """Fulfil the request at `at` and all after it."""
    if at == len(todo):
        return True
    _, alternatives = todo[at]
    return any(_Filling(claims, todo, at, search, request).succeeds() for request in alternatives)


class _Filling:
    """The search for the devices of one request, and then of those after it."""

    def __init__(
        self, claims: Sequence[ClaimRequests], todo: Sequence[tuple[int, tuple[DeviceRequest, ...]]], at: int,
        search: _Search, request: DeviceRequest,
    ) -> None:  # fmt: skip
        self._claims, self._todo, self._at, self._search, self._request = claims, todo, at, search, request
        self._constraints = claims[todo[at][0]].constraints
        self._chosen = search.chosen.setdefault(todo[at][0], [])
        self._picks = [
            Pick(request, device, share)
            for device in search.devices
            if (share := request.share_of(device)) is not None and request.accepts(device)
        ]
        self._at_most = self._bounds()

    def succeeds(self) -> bool:
        return bool(self._picks) and self._pick(0, self._request.count or len(self._picks))

    def _bounds(self) -> list[int]:
        """How often the devices from each on can be had at most, whatever else is chosen."""
        found = [0]
        for pick in reversed(self._picks):
            found.append(found[-1] + self._times(pick))
        return found[::-1]

    def _times(self, pick: Pick) -> int:
        if self._request.has_admin_access:
            return 1
        times = self._search.used.times(pick.device, pick.share)
        return times if _may_repeat(pick) else min(times, 1)

    def _pick(self, start: int, count: int) -> bool:
        """Take `count` more devices from the one at `start` on, then go on; gives back what leads nowhere."""
        if count == 0:
            return _next(self._claims, self._todo, self._at + 1, self._search)
        for index in range(start, len(self._picks)):
            if self._at_most[index] < count:
                return False
            pick = self._picks[index]
            if not self._is_possible(pick):
                continue
            self._chosen.append(pick)
            _take(pick, self._search.used)
            if self._pick(index if _may_repeat(pick) else index + 1, count - 1):
                return True
            self._chosen.pop()
            _give_back(pick, self._search.used)
        return False

    def _is_possible(self, pick: Pick) -> bool:
        has_room = self._request.has_admin_access or self._search.used.has_room(pick.device, pick.share)
        return has_room and _is_allowed(pick.device, self._request, self._constraints, self._chosen)


def _may_repeat(pick: Pick) -> bool:
    """Whether one request may have several shares of a device: where it asks for so many devices, not for all."""
    return pick.device.is_shared and bool(pick.request.count) and not pick.request.has_admin_access


def _take(pick: Pick, used: Usage) -> None:
    if not pick.request.has_admin_access:
        used.take(pick.device, pick.share)


def _give_back(pick: Pick, used: Usage) -> None:
    if not pick.request.has_admin_access:
        used.give_back(pick.device, pick.share)


def _is_allowed(device: Device, request: DeviceRequest, constraints: Sequence[Constraint], chosen: Choice) -> bool:
    return all(
        constraint.allows(device, [pick.device for pick in chosen if constraint.concerns(pick.request.name)])
        for constraint in constraints
        if constraint.concerns(request.name)
    )


def allocation_result(claim: Object, choice: Choice, classes: dict[str, Object], node: str) -> dict[str, Any]:
    """A resource.k8s.io AllocationResult."""
    results = [_result(pick) for pick in choice]
    devices: dict[str, Any] = {"results": results}
    if config := [*_class_config(choice, classes), *_claim_config(claim, choice)]:
        devices["config"] = config
    found: dict[str, Any] = {"devices": devices}
    if (selector := _node_selector(choice, node)) is not None:
        found["nodeSelector"] = selector
    return found


def _node_selector(choice: Choice, node: str) -> dict[str, Any] | None:
    """Where all of the devices can be used."""
    if any(pick.device.node or pick.device.binds_to_node for pick in choice):
        field_ = {"key": "metadata.name", "operator": "In", "values": [node]}
        return {"nodeSelectorTerms": [{"matchFields": [field_]}]}
    term: dict[str, list[Mapping[str, Any]]] = {}
    for pick in choice:
        for written in (pick.device.selector or {}).get("nodeSelectorTerms") or ():
            for kind, requirements in written.items():
                kept = term.setdefault(kind, [])
                kept.extend(one for one in requirements if one not in kept)
    return {"nodeSelectorTerms": [term]} if term else None


def _result(pick: Pick) -> dict[str, Any]:
    request = pick.request
    driver, pool, name = pick.device.id
    found: dict[str, Any] = {"request": request.name, "driver": driver, "pool": pool, "device": name}
    if request.has_admin_access:
        found["adminAccess"] = True
    elif pick.device.is_shared:
        found["shareID"] = str(uuid.uuid4())
        if pick.share:
            found["consumedCapacity"] = {name: str(amount) for name, amount in pick.share.items()}
    if pick.device.binding_conditions:
        found["bindingConditions"] = list(pick.device.binding_conditions)
    if pick.device.binding_failure_conditions:
        found["bindingFailureConditions"] = list(pick.device.binding_failure_conditions)
    if request.tolerations:
        found["tolerations"] = [
            {key: value for key, value in (("key", one.key), ("operator", one.operator), ("value", one.value),
             ("effect", one.effect)) if value}
            for one in request.tolerations
        ]  # fmt: skip
    return found


def _class_config(choice: Choice, classes: dict[str, Object]) -> list[dict[str, Any]]:
    found = []
    for request in dict.fromkeys(pick.request.name for pick in choice):
        class_name = next(pick.request.class_name for pick in choice if pick.request.name == request)
        for config in spec_of(classes[class_name]).get("config") or ():
            found.append({"source": "FromClass", "requests": [request], **config})
    return found


def _claim_config(claim: Object, choice: Choice) -> list[dict[str, Any]]:
    names = {pick.request.name for pick in choice}
    names |= {name.partition("/")[0] for name in names}
    found = []
    for config in (spec_of(claim).get("devices") or {}).get("config") or ():
        wanted = config.get("requests") or ()
        if not wanted or names.intersection(wanted):
            found.append({"source": "FromClaim", **config})
    return found
