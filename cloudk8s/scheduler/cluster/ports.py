"""Host ports in use, as columns."""

from __future__ import annotations

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Bools, Ids, grown
from cloudk8s.scheduler.pod.ports import ANY_ADDRESS, HostPort


class PortColumns:
    """How many pods of each node hold a port; a column for each address, protocol and port in use."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._counts: dict[tuple[str, int], dict[str, Ids]] = {}

    def take(self, slot: int, ports: tuple[HostPort, ...], sign: int) -> None:
        """Account for a pod that comes (sign 1) or goes (sign -1)."""
        for port in ports:
            addresses = self._counts.setdefault((port.protocol, port.port), {})
            counts = addresses.get(port.address)
            if counts is None:
                counts = addresses[port.address] = np.zeros(self._capacity, dtype=np.int32)
            counts[slot] += sign

    def clashes(self, ports: tuple[HostPort, ...], rows: slice) -> Bools | None:
        """The rows where one of the ports is taken; None if that is so nowhere."""
        taken: Bools | None = None
        for port in ports:
            for address, counts in self._counts.get((port.protocol, port.port), {}).items():
                if address == port.address or ANY_ADDRESS in (address, port.address):
                    held = counts[rows] > 0
                    taken = held if taken is None else taken | held
        return taken

    def grow(self, capacity: int) -> None:
        self._capacity = capacity
        for addresses in self._counts.values():
            for address, counts in addresses.items():
                addresses[address] = grown(counts, capacity)
