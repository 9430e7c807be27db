"""Which subnets a load balancer stands in. Pure.

One for each zone: tagged with the role it is for, else with the cluster, else the one with the lowest id. Public load
balancers only stand where the way out is an internet gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.plugin import CloudError
from cloudk8s_aws.api import tags_of
from cloudk8s_aws.load_balancers.values import wrong
from cloudk8s_aws.ownership import is_of_any_cluster, share_of

ROLES = {"internet-facing": "kubernetes.io/role/elb", "internal": "kubernetes.io/role/internal-elb"}


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet of the cluster's VPC."""

    id: str
    zone: str
    is_public: bool
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)


def read_subnets(subnets: Iterable[Mapping[str, Any]], tables: Sequence[Mapping[str, Any]]) -> list[Subnet]:
    """Subnets as EC2 describes them; the route table is the explicit one, else the VPC's main one."""
    explicit: dict[str, Mapping[str, Any]] = {}
    main: Mapping[str, Any] = {}
    for table in tables:
        for association in table.get("Associations") or ():
            if association.get("SubnetId"):
                explicit[association["SubnetId"]] = table
            elif association.get("Main"):
                main = table
    return [
        Subnet(s["SubnetId"], s["AvailabilityZone"], _is_public(explicit.get(s["SubnetId"], main)), tags_of(s))
        for s in subnets
    ]


def select_subnets(
    subnets: Iterable[Subnet], *, cluster: str, scheme: str, is_plain_zone: Callable[[str], bool] = lambda zone: True
) -> tuple[str, ...]:
    """Discover. Raises CloudError where there is none: tagging one puts it right."""
    chosen: dict[str, Subnet] = {}
    for subnet in sorted(subnets, key=lambda s: s.id):
        ours = share_of(subnet.tags, cluster) or not is_of_any_cluster(subnet.tags)
        reachable = subnet.is_public or scheme == "internal"
        if not ours or not reachable or not is_plain_zone(subnet.zone):
            continue
        best = chosen.get(subnet.zone)
        if best is None or _rank(subnet, cluster, scheme) > _rank(best, cluster, scheme):
            chosen[subnet.zone] = subnet
    if not chosen:
        kind = "public subnet (with a route to an internet gateway)" if scheme != "internal" else "subnet"
        raise CloudError(f"no {kind} of cluster {cluster!r} was found; tag one with {ROLES[scheme]}")
    return tuple(chosen[zone].id for zone in sorted(chosen))


def named_subnets(subnets: Iterable[Subnet], wanted: Sequence[str]) -> tuple[str, ...]:
    """Subnets by id or Name tag, in the order wanted; every entry must name one."""
    known = list(subnets)
    found = []
    for entry in wanted:
        matches = [s.id for s in known if s.id == entry or s.tags.get("Name") == entry]
        if len(matches) != 1:
            raise wrong(
                "subnets", f"{entry!r} names {len(matches) or 'no'} subnet{'s'[: len(matches) != 1]} of the VPC"
            )
        found += matches
    return tuple(found)


def _rank(subnet: Subnet, cluster: str, scheme: str) -> tuple[bool, bool]:
    return ROLES[scheme] in subnet.tags, bool(share_of(subnet.tags, cluster))


def _is_public(table: Mapping[str, Any]) -> bool:
    return any(str(route.get("GatewayId", "")).startswith("igw-") for route in table.get("Routes") or ())
