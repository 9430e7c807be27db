"""The quality-of-service class that a pod's requests and limits give it."""

from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.machinery import quantity
from cloudk8s.node.pods import pod as pods

_COUNTED = ("cpu", "memory")


def qos_class(pod: Object) -> str:
    """Guaranteed, Burstable or BestEffort."""
    resources = _pod_level(pod) or [
        each.get("resources") or {} for each in (*pods.init_containers(pod), *pods.containers(pod))
    ]
    requests, limits = ([_amounts(each.get(kind)) for each in resources] for kind in ("requests", "limits"))
    if not any(requests) and not any(limits):
        return "BestEffort"
    is_guaranteed = all(set(limit) == set(_COUNTED) for limit in limits) and all(
        all(request.get(name, limit[name]) == limit[name] for name in _COUNTED)
        for request, limit in zip(requests, limits, strict=True)
    )
    return "Guaranteed" if is_guaranteed else "Burstable"


def _pod_level(pod: Object) -> list[Any]:
    resources = spec_of(pod).get("resources")
    return [resources] if resources else []


def _amounts(amounts: Any) -> dict[str, quantity.Quantity]:
    parsed = {name: quantity.parse(value) for name, value in (amounts or {}).items() if name in _COUNTED}
    return {name: amount for name, amount in parsed.items() if amount}
