"""What is to be forwarded, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Family = Literal["IPv4", "IPv6"]


class Backend(NamedTuple):
    """Where a connection ends up."""

    address: str
    port: int


class RuleKey(NamedTuple):
    """Which port of which Service, in one address family."""

    namespace: str
    service: str
    port_name: str
    protocol: str
    family: Family

    def __str__(self) -> str:
        return f"{self.namespace}/{self.service}/{self.protocol.lower()}/{self.port_name or '-'}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Everything about one port of a Service: the addresses it has, and where connections to them go."""

    key: RuleKey
    cluster_ip: str
    port: int
    node_port: int = 0
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    """Addresses of the load balancer that in-cluster traffic may bypass (`ipMode: VIP`)."""
    source_ranges: tuple[str, ...] = ()
    """Who may come in by the load balancer's addresses; empty is everyone."""
    affinity_seconds: int = 0
    """How long a client stays with its backend; 0 is not at all."""
    is_internal_local: bool = False
    is_external_local: bool = False
    cluster: tuple[Backend, ...] = ()
    """The backends that all of the cluster offers."""
    local: tuple[Backend, ...] = ()
    """The backends on this node; only computed where a policy asks for them."""
    balances: bool = False
    """The load balancer's addresses are this host's, which sends to all backends, whatever the policy."""
    has_any: bool = False
    """Whether there is a backend on any node: without one connections are refused, with one elsewhere dropped."""

    @property
    def internal(self) -> tuple[Backend, ...]:
        """Where traffic to the cluster IP goes."""
        return self.local if self.is_internal_local else self.cluster

    @property
    def external(self) -> tuple[Backend, ...]:
        """Where traffic from outside goes."""
        return self.local if self.is_external_local else self.cluster

    @property
    def is_external(self) -> bool:
        """Whether the port can be reached by anything but its cluster IP."""
        return bool(self.node_port or self.external_ips or self.load_balancer_ips)


@dataclass(frozen=True, slots=True)
class Locality:
    """Where the proxy is: the nodes whose pods are local, and their zone."""

    nodes: frozenset[str]
    zone: str = ""
    balances: bool = False
    """Traffic to load balancers arrives here first."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """What a load balancer asks about a Service with `externalTrafficPolicy: Local`."""

    namespace: str
    service: str
    node_port: int
    local_endpoints: int


@dataclass(frozen=True, slots=True)
class Update:
    """A change of the rules. Applying it twice is the same as once."""

    rules: Mapping[RuleKey, Rule] = field(default_factory=dict)
    """New and changed rules."""
    removed: frozenset[RuleKey] = frozenset()
    is_complete: bool = False
    """The rules are all there shall be: whatever else is forwarded must not be."""
    service_ranges: tuple[str, ...] | None = None
    """Where addresses of Services come from, none overlapping another; None where that is as it was."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.rules or self.removed or self.is_complete or self.service_ranges is not None)
