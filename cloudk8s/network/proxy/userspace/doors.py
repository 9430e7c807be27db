"""Where listeners have to be for a rule. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from cloudk8s.network.proxy.model import Backend, Rule


class Frontend(NamedTuple):
    """What is listened on."""

    address: str
    port: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in there, and where they are taken."""

    backends: tuple[Backend, ...]
    inside_backends: tuple[Backend, ...]
    """Where connections from this host go."""
    affinity_seconds: int = 0
    source_ranges: tuple[str, ...] = ()
    keeps_client: bool = False
    """Backends see the address of a client from outside, where that is possible."""

    def admits(self, address: str) -> bool:
        """Whether the source ranges allow this client."""
        if not self.source_ranges:
            return True
        client = ipaddress.ip_address(address)
        return any(client in ipaddress.ip_network(text) for text in self.source_ranges)


def doors_of(rule: Rule, node_addresses: Sequence[str]) -> dict[Frontend, Door]:
    """The rule's doors; where nothing is behind a door there is none, so that connections are refused."""
    doors = {_frontend(rule, rule.cluster_ip, rule.port): Door(rule.internal, rule.internal, rule.affinity_seconds)}
    outside = Door(
        rule.external, rule.cluster if rule.is_external else (), rule.affinity_seconds,
        keeps_client=rule.is_external_local,
    )  # fmt: skip
    balanced = replace(outside, source_ranges=rule.source_ranges)
    doors |= {_frontend(rule, address, rule.port): balanced for address in rule.load_balancer_ips}
    doors |= {_frontend(rule, address, rule.port): outside for address in rule.external_ips}
    if rule.node_port:
        own = [address for address in node_addresses if (":" in address) == (rule.key.family == "IPv6")]
        doors |= {_frontend(rule, address, rule.node_port): outside for address in own}
    return {frontend: door for frontend, door in doors.items() if door.backends or door.inside_backends}


def _frontend(rule: Rule, address: str, port: int) -> Frontend:
    return Frontend(address, port, rule.key.protocol)
