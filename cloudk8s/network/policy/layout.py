"""What the policy table has before any policy: two hooks, so that egress and ingress both have to agree."""

from __future__ import annotations

from typing import Final

from cloudk8s.network.proxy.model import Family
from cloudk8s.network.proxy.nftables.layout import word

INGRESS: Final = "ingress-pods"
EGRESS: Final = "egress-pods"


def skeleton(table: str, family: Family) -> list[str]:
    """The lines that fill a new table with what does not depend on policies."""
    ip = word(family)
    address = "ipv4_addr" if family == "IPv4" else "ipv6_addr"
    lines = [f"add map {ip} {table} {name} {{ type {address} : verdict; }}" for name in (INGRESS, EGRESS)]
    for name, priority, side, pods in (("egress", -1, "saddr", EGRESS), ("ingress", 0, "daddr", INGRESS)):
        lines.append(f"add chain {ip} {table} {name} {{ type filter hook forward priority {priority}; }}")
        lines.append(f"add rule {ip} {table} {name} ct state established,related accept")
        if family == "IPv6":
            neighbours = "nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert"
            lines.append(f"add rule {ip} {table} {name} icmpv6 type {{ {neighbours} }} accept")
        lines.append(f"add rule {ip} {table} {name} {ip} {side} vmap @{pods}")
    return lines
