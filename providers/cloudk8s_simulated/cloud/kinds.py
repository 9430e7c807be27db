"""What kinds of things the simulated cloud sells, and the rules each obeys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """The rules of one kind."""

    name: str
    unique: tuple[str, ...] = ()
    """Properties that no two living things of the kind may share."""
    references: tuple[str, ...] = ()
    """Properties that hold ids: they must exist, and can't be deleted while referred to."""
    within: str = ""
    """The property that holds the id of what this is a part of, and goes with."""
    ready_after: float = 0.0
    """Seconds until it is ready."""
    limit: int = 0
    """How many there may be; 0 is no limit."""


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("network", unique=("cluster",)),
        Kind("subnet", unique=("network", "cidr"), references=("network",)),
        Kind("firewall", unique=("name",), references=("network",)),
        Kind("address", unique=("name",)),
        Kind("instance", references=("subnet", "firewalls")),
        Kind("volume", references=("instance",)),
        Kind("route", unique=("destination",)),
        Kind("balancer", unique=("name",), references=("firewalls", "subnets")),
        Kind("group", unique=("name",)),
        Kind("members", unique=("group",), within="group"),
        Kind("listener", unique=("balancer", "port", "protocol"), references=("groups",), within="balancer"),
        Kind("mark", within="balancer"),
    )
}
