"""Who holds which Service address: IPAddress objects, or memory where the served Kubernetes has no such kind."""

from __future__ import annotations

import ipaddress
from typing import Protocol

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.bootstrap.writer import Writer
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations.delete import DeleteOptions, delete
from cloudk8s.errors import NotFound

_GROUP, _PLURAL = "networking.k8s.io", "ipaddresses"


class Ledger(Protocol):
    """Holds addresses, each for one Service."""

    def is_held(self, address: str) -> bool:
        """Whether somebody has the address."""

    async def hold(self, address: str, namespace: str, name: str) -> bool:
        """Take an address for a Service; False where it is held."""

    async def rename(self, address: str, namespace: str, name: str) -> bool:
        """Hold a held address for the Service under its new name; False where it was lost to another meanwhile."""

    async def release(self, address: str) -> None:
        """Let an address go; absent is success."""


def ledger_of(core: Core) -> Ledger:
    """The ledger for the Kubernetes version that is served: IPAddresses are stable since 1.33."""
    return ObjectLedger(core) if core.registry.versions_of(_GROUP, _PLURAL) else MemoryLedger(core)


class ObjectLedger:
    """One IPAddress object for each address."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._writer = Writer(core)

    def is_held(self, address: str) -> bool:
        return self._core.find(_GROUP, _PLURAL, address) is not None

    async def hold(self, address: str, namespace: str, name: str) -> bool:
        return await self._writer.ensure(_ip_address(address, namespace, name))

    async def rename(self, address: str, namespace: str, name: str) -> bool:
        """Whose an address is cannot be changed, so it is let go and taken again."""
        await self.release(address)
        return await self.hold(address, namespace, name)

    async def release(self, address: str) -> None:
        resource = self._core.resource(_GROUP, _PLURAL)
        try:
            await delete(self._core, self._writer.context(), resource, "", address, DeleteOptions())
        except NotFound:
            return


class MemoryLedger:
    """What the stored Services have, and what was taken since."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: set[str] | None = None

    def is_held(self, address: str) -> bool:
        return address in self._held

    async def hold(self, address: str, namespace: str, name: str) -> bool:
        if address in self._held:
            return False
        self._held.add(address)
        return True

    async def rename(self, address: str, namespace: str, name: str) -> bool:
        return True

    async def release(self, address: str) -> None:
        self._held.discard(address)

    @property
    def _held(self) -> set[str]:
        if self._known is None:
            specs = (service["spec"] for service in self._core.all("", "services"))
            self._known = {address for spec in specs for address in spec.get("clusterIPs") or ()}
        return self._known


def _ip_address(address: str, namespace: str, name: str) -> Object:
    family = f"IPv{ipaddress.ip_address(address).version}"
    labels = {
        "ipaddress.kubernetes.io/ip-family": family,
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    parent = {"resource": "services", "namespace": namespace, "name": name}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IPAddress",
        "metadata": {"name": address, "labels": labels},
        "spec": {"parentRef": parent},
    }
