"""Endpoints for each zone in proportion to the CPU of its nodes: hints by `service.kubernetes.io/topology-mode: Auto`.

https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, is_true, labels_of, status_of
from cloudk8s.controllers.endpoint_slice.endpoints import ZONE_LABEL, Endpoint, is_usable
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.quantity import parse

MODE: Final = "service.kubernetes.io/topology-mode"
_OLD_MODE: Final = "service.kubernetes.io/topology-aware-hints"
_OVERLOAD: Final = 0.2
"""The share by which a zone's endpoints may have more than their part of the traffic."""
_CONTROL_PLANE: Final = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


class NoHints(CloudK8sError):
    """Endpoints cannot be divided between zones safely; the message says why."""


@dataclass(frozen=True, slots=True)
class Zones:
    """The share of the cluster's CPU that each zone has; empty while some node does not say its zone."""

    shares: Mapping[str, float]
    is_known: bool


def is_wanted(service: Object) -> bool:
    """Whether a Service asks for such hints."""
    annotations = annotations_of(service)
    return (annotations.get(MODE) or annotations.get(_OLD_MODE) or "").lower() == "auto"


def look_of(node: Object | None) -> tuple[Any, ...]:
    """What of a node matters here."""
    if node is None:
        return ()
    labels, cpu = labels_of(node), (status_of(node).get("allocatable") or {}).get("cpu")
    return is_true(node, "Ready"), labels.get(ZONE_LABEL), cpu, any(label in labels for label in _CONTROL_PLANE)


def zones_of(nodes: Iterable[Object]) -> Zones:
    """What the nodes that do work say."""
    amounts: dict[str, int] = {}
    for node in nodes:
        labels = labels_of(node)
        if not is_true(node, "Ready") or any(label in labels for label in _CONTROL_PLANE):
            continue
        zone, cpu = labels.get(ZONE_LABEL), (status_of(node).get("allocatable") or {}).get("cpu")
        if not zone or not cpu:
            return Zones({}, is_known=False)
        amounts[zone] = amounts.get(zone, 0) + parse(cpu).milli_value
    total = sum(amounts.values())
    return Zones({zone: amount / total for zone, amount in amounts.items()} if total else {}, is_known=True)


def divide(endpoints: Iterable[Endpoint], zones: Zones) -> Mapping[int, str]:
    """The zone that each usable endpoint is for, by the endpoint's identity. Raises NoHints."""
    usable = sorted((endpoint for endpoint in endpoints if is_usable(endpoint)), key=_address)
    wanted = _wanted(len(usable), zones)
    if any(not endpoint.get("zone") for endpoint in usable):
        raise NoHints("one or more endpoints do not have a zone specified")
    hints = {id(endpoint): str(endpoint["zone"]) for endpoint in usable}
    moves = _moves(wanted, hints)
    for endpoint in usable:
        given = moves.get(hints[id(endpoint)])
        if given:
            hints[id(endpoint)] = given.pop()
    return hints


def _address(endpoint: Endpoint) -> str:
    return str(endpoint["addresses"][0])


def _wanted(total: int, zones: Zones) -> dict[str, float]:
    """How many endpoints each zone should have."""
    if not zones.is_known:
        raise NoHints("Nodes do not have enough information on zones and allocatable CPU, topology aware hints unsafe")
    if len(zones.shares) < 2:
        raise NoHints("Insufficient number of Zones, topology aware hints unsafe (2 or more needed)")
    if len(zones.shares) > total:
        raise NoHints(
            f"Insufficient number of endpoints ({total}), impossible to safely allocate proportionally to "
            f"{len(zones.shares)} zones"
        )
    wanted = {zone: share * total for zone, share in zones.shares.items()}
    least = sum(math.ceil(number / (1 + _OVERLOAD)) for number in wanted.values())
    if least > total:
        raise NoHints(
            f"Insufficient number of endpoints ({total}), the minimum of {least} for balanced zones is not met"
        )
    return wanted


def _moves(wanted: Mapping[str, float], hints: Mapping[int, str]) -> dict[str, list[str]]:
    """From which zone how many endpoints go to which others."""
    counts: dict[str, int] = {}
    for zone in hints.values():
        counts[zone] = counts.get(zone, 0) + 1
    spare = {zone: count - wanted.get(zone, 0.0) for zone, count in counts.items()}
    giving = {zone: amount for zone, amount in spare.items() if amount > 0}
    receiving = {zone: number - counts.get(zone, 0) for zone, number in wanted.items() if number > counts.get(zone, 0)}
    moves: dict[str, list[str]] = {}
    while giving and receiving:
        giver = max(giving, key=lambda zone: giving[zone])
        taker = max(receiving, key=lambda zone: receiving[zone])
        if giving[giver] + receiving[taker] < 1.0 or giving[giver] < 0.5 or receiving[taker] < 0.5:
            break
        giving[giver] -= 1
        receiving[taker] -= 1
        moves.setdefault(giver, []).append(taker)
    return moves


def for_zone(zone: str) -> dict[str, Any]:
    """The hint itself."""
    return {"forZones": [{"name": zone}]}
