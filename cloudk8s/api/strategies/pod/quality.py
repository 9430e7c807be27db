"""A pod's quality-of-service class, from what its containers request and may use."""

from __future__ import annotations

import re
from typing import Any

_match_zero = re.compile(r"[+-]?[0.]+([a-zA-Z]|$)").match
_COUNTED = ("cpu", "memory")


def quality_of_service(spec: dict[str, Any]) -> str:
    """`Guaranteed` when every container's limits equal its requests, `BestEffort` when none says anything."""
    pod_level = spec.get("resources")
    if pod_level and (_positive(pod_level.get("requests")) or _positive(pod_level.get("limits"))):
        parts = [pod_level]
    else:
        containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
        parts = [container.get("resources") or {} for container in containers]
    requested: dict[str, set[str]] = {}
    limited: dict[str, set[str]] = {}
    guaranteed = True
    for part in parts:
        requests, limits = _positive(part.get("requests")), _positive(part.get("limits"))
        guaranteed = guaranteed and len(limits) == len(_COUNTED)
        guaranteed = guaranteed and all(requests.get(name, value) == value for name, value in limits.items())
        guaranteed = guaranteed and requests.keys() <= limits.keys()
        for found, amounts in ((requested, requests), (limited, limits)):
            for name, value in amounts.items():
                found.setdefault(name, set()).add(value)
    if not requested and not limited:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


def _positive(resources: dict[str, Any] | None) -> dict[str, str]:
    """Counted resources that aren't zero; amounts are in canonical form, so they compare as text."""
    if not resources:
        return {}
    return {name: str(resources[name]) for name in _COUNTED if name in resources and not _is_zero(resources[name])}


def _is_zero(amount: Any) -> bool:
    return _match_zero(str(amount)) is not None
