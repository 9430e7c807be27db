"""Nodes and routes become what to create and what to delete. Pure."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, spec_of, uid_of
from cloudk8s.cloud.controllers.node_reference import addresses_of, provider_id_of
from cloudk8s.cloud.model.instance import NodeAddress
from cloudk8s.cloud.model.route import Route

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class RoutedNode:
    """A node as far as its routes go."""

    name: str
    uid: str
    provider_id: str
    addresses: tuple[NodeAddress, ...]
    pod_cidrs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """What to do. An update is in both lists: its old route goes before the new one is made."""

    deletes: tuple[Route, ...]
    creates: tuple[Route, ...]
    kept: frozenset[str]
    """Keys of desired routes that are there."""
    stale: frozenset[str]
    """Names of nodes that have routes but want none."""


def routed_node(node: Object) -> RoutedNode:
    """What the route controller reads of a node."""
    spec = spec_of(node)
    cidrs = spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else [])
    return RoutedNode(name_of(node), uid_of(node), provider_id_of(node), addresses_of(node), tuple(cidrs))


def plan_routes(
    nodes: Iterable[RoutedNode], routes: Sequence[Route], cluster_cidrs: Sequence[str], *, follows_addresses: bool
) -> RoutePlan:
    """Compare. Only routes inside the cluster's ranges are ever deleted."""
    nodes = list(nodes)
    wanted = {route.key: route for node in nodes for route in _wanted(node)}
    present: dict[str, list[Route]] = defaultdict(list)
    for route in routes:
        present[f"{route.destination}->{route.node}"].append(route)
    kept, outdated = set(), set()
    for key, route in wanted.items():
        usable = [found for found in present.get(key, ()) if not found.is_blackhole]
        if usable and follows_addresses and set(usable[0].addresses) != set(route.addresses):
            outdated.add(key)
        elif usable:
            kept.add(key)
    ranges = [ipaddress.ip_network(cidr, strict=False) for cidr in cluster_cidrs]
    deletes = tuple(route for route in routes if _is_ours(route, ranges) and not _stays(route, kept))
    creates = tuple(route for key, route in wanted.items() if key not in kept)
    routed = {route.node for route in routes if route.node}
    stale = frozenset(node.name for node in nodes if not node.pod_cidrs and node.name in routed)
    return RoutePlan(deletes, creates, frozenset(kept), stale)


def route_condition(node: RoutedNode, plan: RoutePlan, failed: Mapping[str, object]) -> bool | None:
    """Whether the node's network is available; None where there is nothing to say."""
    if not node.pod_cidrs:
        return False if node.name in plan.stale else None
    return not any(route.key in failed for route in _wanted(node))


def _wanted(node: RoutedNode) -> Iterable[Route]:
    for cidr in node.pod_cidrs:
        yield Route(cidr, node.name, node.provider_id, node.addresses)


def _stays(route: Route, kept: Iterable[str]) -> bool:
    return not route.is_blackhole and f"{route.destination}->{route.node}" in kept


def _is_ours(route: Route, ranges: Sequence[IPNetwork]) -> bool:
    try:
        network = ipaddress.ip_network(route.destination, strict=False)
    except ValueError:
        return False
    ends = (network.network_address, network.broadcast_address)
    return any(end.version == whole.version and end in whole for end in ends for whole in ranges)
