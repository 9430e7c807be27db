"""The CSI drivers of this node: connections, what each can do, and what the cluster is told about them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import annotations_of, labels_of, name_of, spec_of, uid_of
from cloudk8s.client.resources import CSI_NODES, NODES
from cloudk8s.drivers.csi.driver import CsiDriver, NodeAbility, NodeInfo
from cloudk8s.drivers.registration import PluginInfo
from cloudk8s.errors import AlreadyExists, Conflict, NotFound
from cloudk8s.machinery import codec
from cloudk8s.node.plugins.watcher import PluginRefused

NODE_ID: Final = "csi.volume.kubernetes.io/nodeid"
"""Annotation of a Node: what each driver calls it."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RegisteredDriver:
    """A driver that this node can use."""

    name: str
    calls: CsiDriver
    info: NodeInfo
    abilities: frozenset[int] = field(default_factory=frozenset)

    def can(self, ability: NodeAbility) -> bool:
        """Whether the node service has a call."""
        return ability in self.abilities


class CsiDrivers:
    """Fulfils `PluginHandler`, and keeps CSINode and the Node's annotation as the drivers are."""

    def __init__(self, client: Client, node_name: str) -> None:
        self._client, self._node_name = client, node_name
        self._drivers: dict[str, RegisteredDriver] = {}

    def get(self, name: str) -> RegisteredDriver | None:
        """A driver by its name."""
        return self._drivers.get(name)

    async def register(self, info: PluginInfo) -> None:
        if not any(version.lstrip("v").split(".")[0] == "1" for version in info.versions):
            raise PluginRefused(f"CSI driver {info.name}: none of the versions {list(info.versions)} is supported")
        calls = CsiDriver(info.endpoint)
        try:
            found = RegisteredDriver(info.name, calls, await calls.node_info(), await calls.node_abilities())
            if not found.info.node_id:
                raise PluginRefused(f"CSI driver {info.name} gave this node no id")
            await self._announce(found)
        except BaseException:
            await calls.close()
            raise
        before = self._drivers.get(info.name)
        self._drivers[info.name] = found
        if before is not None:
            await before.calls.close()

    async def deregister(self, info: PluginInfo) -> None:
        known = self._drivers.pop(info.name, None)
        if known is None:
            return
        await known.calls.close()
        await self._write_csi_node([], without=info.name)
        node = await self._client.get(NODES, self._node_name)
        ids = {name: value for name, value in _ids(node).items() if name != info.name}
        await self._annotate(codec.encode(ids).decode() if ids else None, {})

    async def close(self) -> None:
        """Hang up everywhere."""
        for driver in self._drivers.values():
            await driver.calls.close()

    async def introduce(self) -> None:
        """Make the CSINode of a node that has no drivers yet."""
        await self._write_csi_node([], without="")

    async def _announce(self, driver: RegisteredDriver) -> None:
        node = await self._client.get(NODES, self._node_name)
        ids = {**_ids(node), driver.name: driver.info.node_id}
        for key, value in driver.info.topology.items():
            if labels_of(node).get(key, value) != value:
                raise PluginRefused(f"detected topology value collision: driver reported {key}={value}")
        await self._annotate(codec.encode(ids).decode(), driver.info.topology)
        entry: dict[str, Any] = {
            "name": driver.name,
            "nodeID": driver.info.node_id,
            "topologyKeys": sorted(driver.info.topology),
        }
        if driver.info.max_volumes > 0:
            entry["allocatable"] = {"count": driver.info.max_volumes}
        await self._write_csi_node([entry], without=driver.name)

    async def _annotate(self, ids: str | None, labels: Mapping[str, str]) -> None:
        patch = {"metadata": {"annotations": {NODE_ID: ids}, "labels": dict(labels)}}
        await self._client.patch(NODES, self._node_name, patch)

    async def _write_csi_node(self, entries: Sequence[Mapping[str, Any]], *, without: str) -> None:
        """Replace the entry of one driver; others may write theirs at the same time."""
        while True:
            try:
                await self._try_write(entries, without)
                return
            except (AlreadyExists, Conflict):
                continue

    async def _try_write(self, entries: Sequence[Mapping[str, Any]], without: str) -> None:
        try:
            found = await self._client.get(CSI_NODES, self._node_name)
        except NotFound:
            node = await self._client.get(NODES, self._node_name)
            await self._client.create(CSI_NODES, _csi_node(node, entries))
            return
        others = [each for each in spec_of(found).get("drivers") or () if each["name"] != without]
        drivers = [*others, *entries]
        if drivers != list(spec_of(found).get("drivers") or ()):
            await self._client.update(CSI_NODES, {**found, "spec": {**spec_of(found), "drivers": drivers}})


def _ids(node: Object) -> dict[str, str]:
    text = annotations_of(node).get(NODE_ID)
    return dict(codec.decode(text.encode())) if text else {}


def _csi_node(node: Object, entries: Sequence[Mapping[str, Any]]) -> Object:
    owner = {"apiVersion": "v1", "kind": "Node", "name": name_of(node), "uid": uid_of(node)}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": name_of(node), "ownerReferences": [owner]},
        "spec": {"drivers": list(entries)},
    }
