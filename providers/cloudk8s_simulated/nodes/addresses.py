"""Addresses of simulated nodes and pods."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final

_NODES: Final = ipaddress.ip_address("10.64.0.0")
_PODS: Final = ipaddress.ip_address("10.128.0.0")
_POD_COUNT: Final = 2**23 - 2


class FleetAddresses:
    """Nodes are numbered; pods get the next free address when they are first asked for, in the order of asking."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self._numbers = numbers
        self._last = 0
        self._pods: dict[str, str] = {}
        self._used: set[str] = set()

    def of_node(self, name: str) -> str:
        """The address of a node of the fleet; empty for others."""
        return str(_NODES + self._numbers[name] + 1) if name in self._numbers else ""

    def of_pod(self, uid: str) -> str:
        """The address of a pod."""
        if uid not in self._pods:
            self.taken(uid, self._next())
        return self._pods[uid]

    def taken(self, uid: str, address: str) -> None:
        """The pod has this address, maybe since before this process."""
        self._pods[uid] = address
        self._used.add(address)

    def release(self, uid: str) -> None:
        """The pod is gone; its address is given again when all others have had their turn."""
        self._used.discard(self._pods.pop(uid, ""))

    def _next(self) -> str:
        while True:
            self._last = self._last % _POD_COUNT + 1
            if (address := str(_PODS + self._last)) not in self._used:
                return address
