"""Pod addresses out of the node's ranges; which are in use is what the sandboxes say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from cloudk8s.node.runtimes.interface import RuntimeFailure

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Assigned:
    """One address with what a pod needs to use it."""

    address: Address
    prefix: int
    gateway: Address


class AddressPool:
    """Hands out addresses one after another, so that one just given back is not taken again at once."""

    def __init__(self) -> None:
        self._networks: tuple[Network, ...] = ()
        self._last: dict[Network, int] = {}

    @property
    def networks(self) -> tuple[Network, ...]:
        """The ranges."""
        return self._networks

    def set_ranges(self, cidrs: Sequence[str]) -> None:
        """Use these ranges from now on."""
        self._networks = tuple(ip_network(cidr) for cidr in cidrs)

    def assign(self, used: Collection[str]) -> tuple[Assigned, ...]:
        """One free address of each range."""
        if not self._networks:
            raise RuntimeFailure("the node has no pod range yet (spec.podCIDR)")
        return tuple(self._next(network, used) for network in self._networks)

    def gateways(self) -> Iterable[tuple[Address, int]]:
        """The bridge's own addresses."""
        return [(gateway(network), network.prefixlen) for network in self._networks]

    def _next(self, network: Network, used: Collection[str]) -> Assigned:
        usable = min(network.num_addresses - 3, 1 << 16)
        start = self._last.get(network, 0)
        for step in range(1, usable + 1):
            offset = (start + step - 1) % usable + 1
            address = network[1 + offset]
            if str(address) not in used:
                self._last[network] = offset
                return Assigned(address, network.prefixlen, gateway(network))
        raise RuntimeFailure(f"no free pod address is left in {network}")


def gateway(network: Network) -> Address:
    """The first address of a range is the bridge's."""
    return network[1]
