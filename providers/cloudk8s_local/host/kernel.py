"""The kernel's tables as far as the local cloud writes to them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, Protocol

from cloudk8s.errors import CloudError

PROTOCOL = "117"
"""Marks our routes (`ip route … proto`): a number that no routing daemon uses."""


class Kernel(Protocol):
    """Addresses and routes of this host. Blocking; every change is idempotent."""

    def addresses(self) -> Collection[str]:
        """Our addresses: those of the range on the loopback interface."""

    def add_address(self, address: str) -> None:
        """Let the host answer for an address, without ever sending from it by itself."""

    def remove_address(self, address: str) -> None:
        """Undo that; absent is success."""

    def routes(self) -> Mapping[str, str]:
        """Our routes: destination and gateway. Those of another cluster on this host are not ours."""

    def set_route(self, destination: str, gateway: str) -> None:
        """Make or replace a route."""

    def remove_route(self, destination: str) -> None:
        """Remove a route; absent is success."""


class NoKernel:
    """Without privileges: every address of 127.0.0.0/8 is the host's already, and there are no routes to write."""

    def addresses(self) -> Collection[str]:
        return ()

    def add_address(self, address: str) -> None: ...

    def remove_address(self, address: str) -> None: ...

    def routes(self) -> Mapping[str, str]:
        return {}

    def set_route(self, destination: str, gateway: str) -> None: ...

    def remove_route(self, destination: str) -> None: ...


class HostKernel:
    """The tables of the network namespace that this process is in, by the `ip` command."""

    def __init__(self, pool: str, *, route_ranges: Sequence[str] = ("0.0.0.0/0",), namespace: str = "") -> None:
        self._pools = [ip_network(text.strip()) for text in pool.split(",")]
        self._ranges = [ip_network(text) for text in route_ranges]
        self._command = ["ip", *(["-n", namespace] if namespace else [])]

    def addresses(self) -> Collection[str]:
        found = self._json("address", "show", "dev", "lo")
        here = [entry["local"] for link in found for entry in link.get("addr_info", ()) if "local" in entry]
        return [text for text in here if any(ip_address(text) in pool for pool in self._pools)]

    def add_address(self, address: str) -> None:
        options = ["nodad"] if ":" in address else ["scope", "host"]
        self._run("address", "replace", _alone(address), "dev", "lo", *options)

    def remove_address(self, address: str) -> None:
        if address in self.addresses():
            self._run("address", "del", _alone(address), "dev", "lo")

    def routes(self) -> Mapping[str, str]:
        families = sorted({f"-{network.version}" for network in self._ranges})
        found = [entry for family in families for entry in self._json(family, "route", "show", "proto", PROTOCOL)]
        routes = {_network(entry["dst"]): entry.get("gateway", "") for entry in found}
        return {destination: gateway for destination, gateway in routes.items() if self._is_ours(destination)}

    def set_route(self, destination: str, gateway: str) -> None:
        self._run("route", "replace", destination, "via", gateway, "proto", PROTOCOL)

    def remove_route(self, destination: str) -> None:
        if destination in self.routes():
            self._run("route", "del", destination, "proto", PROTOCOL)

    def _is_ours(self, destination: str) -> bool:
        network: Any = ip_network(destination)
        return any(network.version == known.version and network.subnet_of(known) for known in self._ranges)

    def _json(self, *words: str) -> list[dict[str, Any]]:
        text = self._run(*words, options=("-j",))
        return list(json.loads(text)) if text.strip() else []

    def _run(self, *words: str, options: tuple[str, ...] = ()) -> str:
        command = [*self._command, *options, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
        if done.returncode:
            raise CloudError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
        return done.stdout


def _alone(address: str) -> str:
    """An address without neighbours."""
    return f"{address}/{128 if ':' in address else 32}"


def _network(text: str) -> str:
    return str(ip_network(text))
