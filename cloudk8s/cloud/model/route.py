"""Pod ranges and the nodes they are routed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cloudk8s.cloud.model.instance import NodeAddress

IPFamily = Literal["IPv4", "IPv6"]


@dataclass(frozen=True, slots=True)
class Route:
    """One pod range to one node."""

    destination: str
    """The pod range, in CIDR form."""
    node: str = ""
    """Name of the target node; empty where the target is no known node."""
    provider_id: str = ""
    addresses: tuple[NodeAddress, ...] = ()
    """The target's addresses: always given to `create`, returned by `list` only with `follows_addresses`."""
    is_blackhole: bool = False
    """The route exists, its target does not."""
    id: str = ""
    """The provider's own handle; opaque to the core, handed back to `delete`."""

    @property
    def key(self) -> str:
        """Names the route in answers of bulk calls."""
        return f"{self.destination}->{self.node or self.id}"


@dataclass(frozen=True, slots=True)
class RouteCapabilities:
    """What a `Routes` can do."""

    ip_families: frozenset[IPFamily] = frozenset({"IPv4"})
    batch: int = 1
    """How many routes one call takes best; the core runs several calls at once."""
    follows_addresses: bool = False
    """Routes point at node addresses, so they are re-made when those change."""
