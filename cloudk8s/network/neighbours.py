"""Routes to the pods of other nodes, for machines that are on one network: each range by way of its node's address.

What the nodes say is followed by a watch; what was routed before and belongs to nobody now is taken away again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, spec_of, status_of
from cloudk8s.client.resources import NODES
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.clock import Clock

PROTOCOL: Final = "118"
"""Marks our routes (`ip route … proto`), apart from those of the local cloud."""
_RETRY_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


class RouteError(CloudK8sError):
    """The kernel refused a route."""


@dataclass(frozen=True, slots=True)
class KernelRoutes:
    """The routes of this network namespace that are ours. Blocks."""

    def present(self) -> Mapping[str, str]:
        """Destination and gateway."""
        text = _ip("-j", "-4", "route", "show", "proto", PROTOCOL)
        found = json.loads(text) if text.strip() else []
        return {str(ip_network(entry["dst"])): str(entry.get("gateway", "")) for entry in found}

    def replace(self, wanted: Mapping[str, str]) -> None:
        """Make ours these."""
        present = self.present()
        for destination in present.keys() - wanted.keys():
            _ip("route", "del", destination, "proto", PROTOCOL)
        for destination, gateway in wanted.items():
            if present.get(destination) != gateway:
                _ip("route", "replace", destination, "via", gateway, "proto", PROTOCOL)


class Neighbours:
    """Keeps routes to all nodes but `own`. `run` it inside the informers it was given."""

    def __init__(self, informers: Informers, routes: KernelRoutes, *, own: str, clock: Clock) -> None:
        self._nodes, self._routes, self._own, self._clock = informers.of(NODES), routes, own, clock
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled; then nothing of it is left."""
        await self._nodes.synced()
        stop = self._nodes.add_handler(self._note)
        self._changed.set()
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._write()
        finally:
            stop()
            await asyncio.shield(asyncio.to_thread(self._routes.replace, {}))

    def _note(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or route_of(old) != route_of(new):
            self._changed.set()

    async def _write(self) -> None:
        wanted: dict[str, str] = {}
        for node in self._nodes.list():
            if name_of(node) != self._own:
                wanted |= route_of(node)
        try:
            await asyncio.to_thread(self._routes.replace, wanted)
        except RouteError as error:
            _log.warning("routes to other nodes: %s; trying again", error)
            await self._clock.sleep(_RETRY_SECONDS)
            self._changed.set()


def route_of(node: Object) -> dict[str, str]:
    """How to reach the pods of a node: IPv4 ranges, and its address. Pure."""
    spec = spec_of(node)
    ranges = spec.get("podCIDRs") or [range for range in (spec.get("podCIDR"),) if range]
    addresses = [entry["address"] for entry in status_of(node).get("addresses") or () if entry["type"] == "InternalIP"]
    gateway = next((address for address in addresses if ":" not in address), "")
    return {str(ip_network(range)): gateway for range in ranges if ":" not in range} if gateway else {}


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=10)
    if done.returncode:
        raise RouteError(f"`ip {' '.join(words)}` failed: {done.stderr.strip()}")
    return done.stdout
