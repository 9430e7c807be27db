"""Service addresses out of the cluster's ranges."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator

from cloudk8s.apiserver.allocation.ledger import ledger_of
from cloudk8s.apiserver.core import Core

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_GROUP = "networking.k8s.io"
_TRIES = 64
_TAKEN = "provided IP is already allocated"


class AddressTaken(Exception):
    """That address cannot be had; the message is upstream's."""


class Addresses:
    """Allocates from the cluster's Service ranges, one a family."""

    def __init__(self, core: Core, ranges: tuple[str, ...]) -> None:
        self._core = core
        self._ledger = ledger_of(core)
        self._networks: dict[str, Network] = {}
        for text in ranges:
            network = ipaddress.ip_network(text)
            self._networks[f"IPv{network.version}"] = network

    @property
    def families(self) -> list[str]:
        """The configured families, the primary one first."""
        return list(self._networks)

    async def take(self, address: str, namespace: str, name: str) -> None:
        """Hold one given address; raises AddressTaken."""
        self.check(address)
        if not await self._ledger.hold(address, namespace, name):
            raise AddressTaken(_TAKEN)

    def check(self, address: str) -> str:
        """A given address, if it could be held; raises AddressTaken."""
        value = ipaddress.ip_address(address)
        if not any(value in network for network in self._ranges(f"IPv{value.version}")):
            raise AddressTaken("the provided network does not match the current range")
        if self._ledger.is_held(address):
            raise AddressTaken(_TAKEN)
        return address

    async def take_any(self, family: str, namespace: str, name: str) -> str:
        """Hold a free address of a family; raises AddressTaken when the range is full."""
        for network in self._ranges(family):
            for address in _candidates(network):
                if not self._ledger.is_held(address) and await self._ledger.hold(address, namespace, name):
                    return address
        raise AddressTaken("range is full")

    def free(self, family: str) -> str:
        """A free address of a family, which nobody holds afterwards either; raises AddressTaken when there is none."""
        for network in self._ranges(family):
            for address in _candidates(network):
                if not self._ledger.is_held(address):
                    return address
        raise AddressTaken("range is full")

    async def rename(self, address: str, namespace: str, name: str) -> None:
        """Hold an address that is held already for a new name of its Service; raises AddressTaken."""
        if not await self._ledger.rename(address, namespace, name):
            raise AddressTaken(_TAKEN)

    async def release(self, address: str) -> None:
        """Let an address go; absent is success."""
        await self._ledger.release(address)

    def _ranges(self, family: str) -> Iterator[Network]:
        """The cluster's own range of a family, then those of further ServiceCIDRs."""
        own = self._networks.get(family)
        if own is not None:
            yield own
        if not self._core.registry.versions_of(_GROUP, "servicecidrs"):
            return
        for item in self._core.all(_GROUP, "servicecidrs"):
            if item["metadata"].get("deletionTimestamp"):
                continue
            for text in item["spec"].get("cidrs") or []:
                network = ipaddress.ip_network(text)
                if f"IPv{network.version}" == family and network != own:
                    yield network


def _candidates(network: Network) -> Iterator[str]:
    """Random addresses first, as upstream does above the band for fixed ones, then all in order."""
    count = network.num_addresses
    last = count - (2 if network.version == 4 else 1)
    band = min(max(16, count // 16), 256)
    low = band if last > 2 * band else 1
    for _ in range(_TRIES):
        yield str(network[random.randint(low, last)])
    for offset in range(1, min(last, 1 << 16) + 1):
        yield str(network[offset])
