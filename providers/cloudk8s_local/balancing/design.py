"""What a request means here: which listeners, and which nodes behind them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.proxy.userspace.doors import Door, Frontend
from cloudk8s.plugin import LoadBalancerRequest, NodeRef, ServicePort
from cloudk8s_local.balancing.health import Target

EVERYONE = frozenset({"0.0.0.0/0", "::/0"})


@dataclass(frozen=True, slots=True)
class Member:
    """A node that shall take traffic, and how to know whether it does."""

    address: str
    check: Target


@dataclass(frozen=True, slots=True)
class Design:
    """One load balancer, without its members."""

    address: str
    ports: tuple[ServicePort, ...]
    source_ranges: tuple[str, ...] = ()
    """Who may come in; empty is everyone."""
    affinity_seconds: int = 0

    def frontends(self) -> dict[Frontend, ServicePort]:
        """What to listen on."""
        return {Frontend(self.address, port.port, port.protocol): port for port in self.ports}

    def door(self, port: ServicePort, members: Sequence[Member], is_healthy: Callable[[Target], bool]) -> Door:
        """Where connections to a port go: to healthy members, or to all if no check passes."""
        healthy = [member for member in members if is_healthy(member.check)] or members
        backends = tuple(Backend(member.address, port.node_port) for member in healthy)
        return Door(backends, backends, self.affinity_seconds, self.source_ranges)


def design_of(request: LoadBalancerRequest, address: str) -> Design:
    """The listeners that a request asks for."""
    ranges = () if EVERYONE & set(request.source_ranges) else request.source_ranges
    affinity = request.session_affinity_seconds if request.session_affinity == "ClientIP" else 0
    return Design(address, request.ports, tuple(ranges), affinity)


def members_of(request: LoadBalancerRequest, *, health_port: int) -> tuple[Member, ...]:
    """The nodes with an address; `health_port` is where this host's proxy tells its health."""
    members = []
    for node in request.nodes:
        if address := _address(node):
            check = request.health_check
            port = health_port if request.traffic_policy == "Cluster" else check.port
            members.append(Member(address, Target(check.protocol, address, port, check.path)))
    return tuple(members)


def _address(node: NodeRef) -> str:
    addresses = [text for text in node.addresses_of("InternalIP", "ExternalIP") if ":" not in text]
    return addresses[0] if addresses else ""
