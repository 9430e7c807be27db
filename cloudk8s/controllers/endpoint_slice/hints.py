"""Who should use which endpoint: `spec.trafficDistribution` or the topology mode of a Service as hints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.controllers.endpoint_slice import topology
from cloudk8s.controllers.endpoint_slice.endpoints import Endpoint, is_usable
from cloudk8s.controllers.endpoint_slice.packing import Plan

SAME_ZONE = ("PreferClose", "PreferSameZone")
SAME_NODE = "PreferSameNode"
Hint = Callable[[Endpoint], dict[str, Any]]


def hint(service: Object, plan: Plan, zones: topology.Zones) -> str:
    """Set or remove the hints of every endpoint of one family; what is kept moves to `update` where they change.

    Returns why a Service that asks for a share of endpoints for each zone has no hints.
    """
    distribution = spec_of(service).get("trafficDistribution") or ""
    problem = ""
    hints: Hint = partial(_by_distribution, distribution)
    if not distribution and topology.is_wanted(service):
        try:
            hints = partial(_by_zone, topology.divide(_endpoints(plan), zones))
        except topology.NoHints as error:
            problem = str(error)
    _apply(plan, hints)
    return problem


def _endpoints(plan: Plan) -> list[Endpoint]:
    return [endpoint for item in (*plan.create, *plan.update, *plan.kept) for endpoint in item.get("endpoints") or ()]


def _apply(plan: Plan, hints: Hint) -> None:
    for items in (plan.create, plan.update):
        for item in items:
            item["endpoints"] = _hinted(item["endpoints"], hints)
    kept = []
    for item in plan.kept:
        endpoints = item.get("endpoints") or []
        wanted = _hinted(endpoints, hints)
        if wanted == endpoints:
            kept.append(item)
        else:
            plan.update.append({**item, "endpoints": wanted})
    plan.kept = kept


def _hinted(endpoints: Sequence[Endpoint], hints: Hint) -> list[Endpoint]:
    result = []
    for endpoint in endpoints:
        found = hints(endpoint)
        bare = {name: value for name, value in endpoint.items() if name != "hints"}
        result.append({**bare, "hints": found} if found else bare)
    return result


def _by_zone(divided: Mapping[int, str], endpoint: Endpoint) -> dict[str, Any]:
    zone = divided.get(id(endpoint))
    return topology.for_zone(zone) if zone else {}


def _by_distribution(distribution: str, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    if not is_usable(endpoint) or (distribution != SAME_NODE and distribution not in SAME_ZONE):
        return {}
    hints: dict[str, Any] = {}
    if zone := endpoint.get("zone"):
        hints["forZones"] = [{"name": zone}]
    if distribution == SAME_NODE and (node := endpoint.get("nodeName")):
        hints["forNodes"] = [{"name": node}]
    return hints
