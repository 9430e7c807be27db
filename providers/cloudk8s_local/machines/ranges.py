"""Choose a range of addresses for a network. Pure but for the routes that are handed in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, ip_network

from cloudk8s.errors import QuotaExceeded, Unsupported

UNSAID = "10.0.0.0/16"
"""The default of a cluster file: any range will do."""
_FIRST_MACHINE = 10


def choose(pool: str, taken: Iterable[str], wanted: str) -> str:
    """The wanted range, or without a wish the first part of the pool that overlaps nothing."""
    others = [ip_network(text) for text in taken]
    if wanted and wanted != UNSAID:
        network = ip_network(wanted)
        if any(other.version == network.version and other.overlaps(network) for other in others):
            raise Unsupported(
                "network.cidr", f"{wanted} is in use on this host; leave network.cidr out to get a free one"
            )
        return wanted
    for part in IPv4Network(pool).subnets(new_prefix=22):
        if not any(isinstance(other, IPv4Network) and other.overlaps(part) for other in others):
            return str(part)
    raise QuotaExceeded(f"all networks of {pool} are in use: delete a cluster of the local provider")


def balancer_range(network: str) -> str:
    """The end of a network is for load balancers of Services: 256 addresses, at most a quarter."""
    whole = IPv4Network(network)
    length = max(24, whole.prefixlen + 2)
    return str(list(whole.subnets(new_prefix=length))[-1]) if length <= 30 else ""


def machine_addresses(network: str) -> Iterator[str]:
    """Addresses that machines may have, in order."""
    whole, end = IPv4Network(network), balancer_range(network)
    stop = int(IPv4Network(end).network_address) if end else int(whole.broadcast_address)
    return (str(whole[index]) for index in range(_FIRST_MACHINE, stop - int(whole.network_address)))
