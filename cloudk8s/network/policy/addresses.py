"""Sets of addresses as blocks that do not overlap, which is what an nftables set of intervals holds. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

from cloudk8s.network.proxy.model import Family

Network = IPv4Network | IPv6Network


def blocks(addresses: Iterable[str], family: Family) -> list[str]:
    """Addresses and blocks of one family, joined where they touch."""
    version = 4 if family == "IPv4" else 6
    networks = [network for text in addresses if (network := ip_network(text, strict=False)).version == version]
    return [str(network) for network in collapse_addresses(networks)]  # type: ignore[type-var]


def without(block: str, exceptions: Iterable[str]) -> list[str]:
    """A block with holes."""
    left: list[Network] = [ip_network(block, strict=False)]
    for text in exceptions:
        hole = ip_network(text, strict=False)
        left = [part for network in left for part in _cut(network, hole)]
    return [str(network) for network in left]


def _cut(network: Any, hole: Any) -> list[Network]:
    """Networks of both families, which the standard library types apart."""
    if network.version != hole.version or not network.overlaps(hole):
        return [network]
    return [] if hole.supernet_of(network) else list(network.address_exclude(hole))
