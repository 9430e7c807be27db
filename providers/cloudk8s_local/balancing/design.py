"""What a request means here: which listeners, and which nodes behind them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.proxy.userspace.doors import Door, Frontend
from cloudk8s.plugin import IPFamily, LoadBalancerRequest, NodeRef, ServicePort
from cloudk8s_local.balancing.health import Target
from cloudk8s_local.host.pool import family_of

EVERYONE = frozenset({"0.0.0.0/0", "::/0"})


@dataclass(frozen=True, slots=True)
class Member:
    """A node that shall take traffic, and how to know whether it does."""

    addresses: tuple[str, ...]
    """One of each family that the node has."""
    check: Target

    def address(self, family: IPFamily) -> str:
        """Its address of a family; empty if it has none."""
        return next((text for text in self.addresses if family_of(text) == family), "")


@dataclass(frozen=True, slots=True)
class Design:
    """One load balancer, without its members."""

    addresses: tuple[str, ...]
    ports: tuple[ServicePort, ...]
    source_ranges: tuple[str, ...] = ()
    """Who may come in; empty is everyone."""
    affinity_seconds: int = 0

    def frontends(self) -> dict[Frontend, ServicePort]:
        """What to listen on."""
        return {Frontend(address, port.port, port.protocol): port for address in self.addresses for port in self.ports}

    def door(self, frontend: Frontend, members: Sequence[Member], is_healthy: Callable[[Target], bool]) -> Door:
        """Where connections go: to healthy members, or to all if no check passes, in the family that they came by."""
        port, family = self.frontends()[frontend], family_of(frontend.address)
        healthy = [member for member in members if is_healthy(member.check)] or members
        addresses = [address for member in healthy if (address := member.address(family))]
        backends = tuple(Backend(address, port.node_port) for address in addresses)
        return Door(backends, backends, self.affinity_seconds, self.source_ranges)


def design_of(request: LoadBalancerRequest, addresses: Sequence[str]) -> Design:
    """The listeners that a request asks for."""
    ranges = () if EVERYONE & set(request.source_ranges) else request.source_ranges
    affinity = request.session_affinity_seconds if request.session_affinity == "ClientIP" else 0
    return Design(tuple(addresses), request.ports, tuple(ranges), affinity)


def members_of(request: LoadBalancerRequest, *, health_port: int) -> tuple[Member, ...]:
    """The nodes with an address; `health_port` is where this host's proxy tells its health."""
    members = []
    for node in request.nodes:
        if addresses := _addresses(node):
            check = request.health_check
            port = health_port if request.traffic_policy == "Cluster" else check.port
            members.append(Member(addresses, Target(check.protocol, addresses[0], port, check.path)))
    return tuple(members)


def _addresses(node: NodeRef) -> tuple[str, ...]:
    """The first one of each family, that of IPv4 first: checks are made there."""
    found: dict[IPFamily, str] = {}
    for text in node.addresses_of("InternalIP", "ExternalIP"):
        found.setdefault(family_of(text), text)
    return tuple(found[family] for family in sorted(found))
