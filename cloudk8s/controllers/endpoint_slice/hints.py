"""Who should use which endpoint: `spec.trafficDistribution` of a Service as hints on its endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.controllers.endpoint_slice.endpoints import Endpoint, is_usable
from cloudk8s.controllers.endpoint_slice.packing import Plan

SAME_ZONE = ("PreferClose", "PreferSameZone")
SAME_NODE = "PreferSameNode"


def hint(service: Object, plan: Plan) -> None:
    """Set or remove the hints of every endpoint of the plan; what is kept moves to `update` where they change."""
    distribution = spec_of(service).get("trafficDistribution") or ""
    for items in (plan.create, plan.update):
        for item in items:
            item["endpoints"] = _hinted(item["endpoints"], distribution)
    kept = []
    for item in plan.kept:
        endpoints = item.get("endpoints") or []
        wanted = _hinted(endpoints, distribution)
        if wanted == endpoints:
            kept.append(item)
        else:
            plan.update.append({**item, "endpoints": wanted})
    plan.kept = kept


def _hinted(endpoints: Sequence[Endpoint], distribution: str) -> list[Endpoint]:
    result = []
    for endpoint in endpoints:
        bare = {name: value for name, value in endpoint.items() if name != "hints"}
        hints = _hints(bare, distribution)
        result.append({**bare, "hints": hints} if hints else bare)
    return result


def _hints(endpoint: Mapping[str, Any], distribution: str) -> dict[str, Any]:
    if not is_usable(endpoint) or (distribution != SAME_NODE and distribution not in SAME_ZONE):
        return {}
    hints: dict[str, Any] = {}
    if zone := endpoint.get("zone"):
        hints["forZones"] = [{"name": zone}]
    if distribution == SAME_NODE and (node := endpoint.get("nodeName")):
        hints["forNodes"] = [{"name": node}]
    return hints
