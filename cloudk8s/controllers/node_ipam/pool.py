"""One address range, divided into equal parts of which each is handed out once."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

from cloudk8s.controllers.node_ipam.counts import RangeCounts
from cloudk8s.errors import CloudK8sError, SettingsError
from cloudk8s.machinery.instruments import Instruments

Network = IPv4Network | IPv6Network
_MOST_BITS = 16
"""Upstream's limit: a range may be divided into at most 2^16 parts."""


class RangeExhausted(CloudK8sError):
    """Every part is in use."""


class RangePool:
    """Parts are handed out in turn, so that one just given back is not handed out again at once."""

    def __init__(self, cidr: str, part_length: int, instruments: Instruments | None = None) -> None:
        self.network: Network = ip_network(cidr)
        if part_length < self.network.prefixlen:
            raise SettingsError(f"nodes cannot have a /{part_length} each out of {cidr}")
        if part_length - self.network.prefixlen > _MOST_BITS:
            raise SettingsError(
                f"{cidr} has too many parts of size /{part_length}: at most 2^{_MOST_BITS} are possible"
            )
        self._length = part_length
        self._count: int = 1 << (part_length - self.network.prefixlen)
        self._shift: int = self.network.max_prefixlen - part_length
        self._used: set[int] = set()
        self._reserved: set[int] = set()
        self._next = 0
        self._counts = RangeCounts(instruments or Instruments(), cidr, self._count)

    def __len__(self) -> int:
        """How many parts are in use."""
        return len(self._used)

    def allocate(self) -> str:
        """A free part. Raises RangeExhausted."""
        for step in range(self._count):
            index = (self._next + step) % self._count
            if index not in self._used:
                self._used.add(index)
                self._counts.tried(step)
                self._counts.changed(len(self._used) - 1, len(self._used))
                self._next = index + 1
                first = int(self.network.network_address) + (index << self._shift)
                return f"{type(self.network.network_address)(first)}/{self._length}"
        raise RangeExhausted(f"no part of {self.network} is free")

    def occupy(self, cidr: str) -> None:
        """Do not hand out what overlaps this range."""
        before = len(self._used)
        self._used.update(self._parts(cidr))
        self._counts.changed(before, len(self._used))

    def reserve(self, cidr: str) -> None:
        """Never hand out what overlaps this range, whatever is released."""
        self._reserved.update(self._parts(cidr))
        self.occupy(cidr)

    def release(self, cidr: str) -> None:
        """The range is free again."""
        before = len(self._used)
        self._used.difference_update(part for part in self._parts(cidr) if part not in self._reserved)
        self._counts.changed(before, len(self._used))

    def _parts(self, cidr: str) -> range:
        other = ip_network(cidr, strict=False)
        if other.version != self.network.version or not other.overlaps(self.network):
            return range(0)
        base = int(self.network.network_address)
        first = max(0, int(other.network_address) - base) >> self._shift
        last = (int(other.broadcast_address) - base) >> self._shift
        return range(first, min(last, self._count - 1) + 1)
