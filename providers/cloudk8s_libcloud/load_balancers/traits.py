"""What each load-balancer driver can do beyond libcloud's base API, and where it differs from it. Pure data.

The base API makes one balancer for one port, with members. It knows nothing of several ports, health checks, source
ranges, tags or idempotency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cloudk8s.cloud.model.load_balancer import Protocol

NODE_PORT = "it sends traffic to the listening port only, and node ports are others"


@dataclass(frozen=True, slots=True)
class BalancerTraits:
    """One driver. The defaults are the base API's."""

    members: Literal["address", "id"] = "address"
    """What a member is known by: address and port, or the id of a compute node."""
    attach: Literal["member", "node"] = "member"
    """Whether members are attached as members or as compute nodes."""
    protocols: Mapping[Protocol, str] = field(default_factory=lambda: {"TCP": "tcp"}, hash=False)
    """What the driver calls the protocols that it can forward as they are."""
    back_port: str = ""
    """Argument of `create_balancer` for the port of members; empty where each member has its own."""
    straight: bool = False
    """Packets arrive at nodes as they were sent, with the balancer's address and port: node ports are not used."""
    several_ports: bool = False
    """One balancer listens on any number of ports."""
    tags: bool = False
    """Balancers carry tags: who owns them, and the digests of what was asked for."""
    health_checks: bool = False
    """Members can be probed by HTTP on a port of their own, as `externalTrafficPolicy: Local` needs."""
    members_first: bool = False
    """A balancer can't be made without members."""
    members_later: bool = False
    """Members given to `create_balancer` get a wrong port: make the balancer first, then attach them."""
    refused: str = ""
    """Why the driver can't balance Services at all."""


TRAITS: Mapping[str, BalancerTraits] = {
    "elb": BalancerTraits("id", "node", several_ports=True, tags=True, health_checks=True),
    "rackspace": BalancerTraits(protocols={"TCP": "tcp", "UDP": "udp"}),
    "cloudstack": BalancerTraits("id", back_port="private_port"),
    "ninefold": BalancerTraits("id", back_port="private_port"),
    "gce": BalancerTraits("address", "node", protocols={"TCP": "TCP", "UDP": "UDP"}, straight=True),
    "aliyun_slb": BalancerTraits("id", members_first=True),
    "dimensiondata": BalancerTraits(members_later=True),
    "nttcis": BalancerTraits(members_later=True),
    "brightbox": BalancerTraits(refused=f"{NODE_PORT}; and its balancers have no public address of their own"),
    "alb": BalancerTraits(refused="it balances HTTP only, and libcloud can't delete what it makes"),
}


def balancer_traits(driver: str) -> BalancerTraits:
    """The driver's traits; for a driver that nobody has described, the base API only."""
    name = driver.lower()
    return TRAITS.get("rackspace" if name.startswith("rackspace") else name) or BalancerTraits()
