"""Choose addresses for a Service, out of a range or one of each family. Pure."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address, ip_network

from cloudk8s.errors import QuotaExceeded, Unsupported
from cloudk8s.plugin import IPFamily


def by_family(pools: str) -> dict[IPFamily, str]:
    """Ranges with a comma between them, by their family."""
    return {family_of(text.strip()): text.strip() for text in pools.split(",")}


def family_of(address: str) -> IPFamily:
    """The family of an address or range."""
    return "IPv6" if ":" in address else "IPv4"


def choose(pool: str, taken: Collection[str], *, wanted: str = "") -> str:
    """The lowest free address of the pool, or the wanted one if it is free."""
    network = ip_network(pool)
    if wanted:
        if ip_address(wanted) not in network:
            raise Unsupported("spec.loadBalancerIP", f"{wanted} is not in {pool}, where load balancers get addresses")
        if wanted in taken:
            raise Unsupported("spec.loadBalancerIP", f"{wanted} belongs to another Service")
        return wanted
    free = (str(address) for address in network.hosts() if str(address) not in taken)
    found = next(free, "")
    if not found:
        raise QuotaExceeded(f"all {network.num_addresses} addresses of {pool} belong to Services")
    return found
