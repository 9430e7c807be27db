"""Resources of a pod as a whole, against those of its containers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cloudk8s.api.field_errors import forbidden, invalid
from cloudk8s.api.validation.resources import Requirements, check_pod_level_name, check_requirements
from cloudk8s.api.validation.values import Errors
from cloudk8s.machinery.quantity import ZERO, Quantity, parse


def check_pod_resources(
    errors: Errors, path: str, resources: Mapping[str, Any], spec: Mapping[str, Any], claims: Collection[str]
) -> None:
    if resources.get("claims"):
        errors.append(forbidden(f"{path}.claims", "claims cannot be set for Resources at pod-level"))
    check_requirements(errors, path, resources, Requirements(check_pod_level_name, claims))
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for name, total in container_requests(spec).items():
        own = parse(requests[name]) if name in requests else ZERO
        if total > own:
            text = f"must be greater than or equal to aggregate container requests of {total}"
            errors.append(invalid(f"{path}.requests[{name}]", str(own), text))
    for index, container in enumerate(spec.get("containers") or ()):
        for name, amount in ((container.get("resources") or {}).get("limits") or {}).items():
            if name in limits and parse(amount) > parse(limits[name]):
                text = f"must be less than or equal to pod limits of {parse(limits[name])}"
                at = f"{path}.containers[{index}][{name}].limits"
                errors.append(invalid(at, str(parse(amount)), text))


def container_requests(spec: Mapping[str, Any], side: str = "requests") -> dict[str, Quantity]:
    """What all containers together ask for at most: sidecars run beside, init containers one after another.

    `side` is `requests` or `limits`.
    """
    total = _sum(spec.get("containers") or (), side)
    sidecars: dict[str, Quantity] = {}
    peak: dict[str, Quantity] = {}
    for container in spec.get("initContainers") or ():
        own = _sum([container], side)
        if container.get("restartPolicy") == "Always":
            sidecars, needed = _plus(sidecars, own), _plus(sidecars, own)
        else:
            needed = _plus(sidecars, own)
        peak = {name: max(peak.get(name, ZERO), needed.get(name, ZERO)) for name in peak.keys() | needed.keys()}
    total = _plus(total, sidecars)
    return {name: max(total.get(name, ZERO), peak.get(name, ZERO)) for name in [*total, *(peak.keys() - total.keys())]}


def _sum(containers: Any, side: str) -> dict[str, Quantity]:
    total: dict[str, Quantity] = {}
    for container in containers:
        amounts = (container.get("resources") or {}).get(side) or {}
        total = _plus(total, {name: parse(amount) for name, amount in amounts.items()})
    return total


def _plus(left: dict[str, Quantity], right: dict[str, Quantity]) -> dict[str, Quantity]:
    return {name: left.get(name, ZERO) + right.get(name, ZERO) for name in [*left, *(right.keys() - left.keys())]}
