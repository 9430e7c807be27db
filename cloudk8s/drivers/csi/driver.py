"""Typed calls of one CSI driver: who it is, what it can do, and its controller and node services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from cloudk8s.drivers.codec import Document
from cloudk8s.drivers.csi.messages import CODEC
from cloudk8s.drivers.service import DriverError, Service


class PluginService(IntEnum):
    """What a driver consists of."""

    CONTROLLER = 1
    TOPOLOGY = 2


class ControllerAbility(IntEnum):
    """Calls of the controller service that a driver may have."""

    CREATE_DELETE = 1
    PUBLISH_UNPUBLISH = 2
    CLONE = 7
    PUBLISH_READONLY = 8
    EXPAND = 9
    SINGLE_NODE_MULTI_WRITER = 13


class NodeAbility(IntEnum):
    """Calls of the node service that a driver may have."""

    STAGE_UNSTAGE = 1
    STATS = 2
    EXPAND = 3
    CONDITION = 4
    SINGLE_NODE_MULTI_WRITER = 5
    MOUNT_GROUP = 6


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """How a driver calls this node."""

    node_id: str
    max_volumes: int = 0
    """How many volumes it can have at most; 0 is any number."""
    topology: Mapping[str, str] = field(default_factory=dict)


class CsiDriver:
    """One endpoint of a driver. Every call raises DriverError."""

    def __init__(self, endpoint: str) -> None:
        self._service = Service(endpoint, CODEC)

    async def name(self) -> str:
        """The driver's name."""
        return str((await self._call("Identity", "GetPluginInfo", {}, gets="GetPluginInfoResponse")).get("name", ""))

    async def is_ready(self) -> bool:
        """Whether it answers and has started; one that says nothing about it has."""
        try:
            answer = await self._call("Identity", "Probe", {}, gets="ProbeResponse", timeout=5.0)
        except DriverError:
            return False
        ready = answer.get("ready")
        return ready is None or bool(ready.get("value"))

    async def services(self) -> frozenset[int]:
        """What the driver consists of."""
        gets = "GetPluginCapabilitiesResponse"
        found = (await self._call("Identity", "GetPluginCapabilities", {}, gets=gets))["capabilities"]
        return frozenset(each["service"].get("type", 0) for each in found if "service" in each)

    async def controller_abilities(self) -> frozenset[int]:
        """What the controller service can do."""
        return await self._abilities("Controller", "ControllerGetCapabilities")

    async def node_abilities(self) -> frozenset[int]:
        """What the node service can do."""
        return await self._abilities("Node", "NodeGetCapabilities")

    async def node_info(self) -> NodeInfo:
        """How it calls this node."""
        answer = await self._call("Node", "NodeGetInfo", {}, gets="NodeGetInfoResponse")
        topology = (answer.get("accessible_topology") or {}).get("segments") or {}
        return NodeInfo(answer.get("node_id", ""), answer.get("max_volumes_per_node", 0), topology)

    async def controller(self, method: str, request: Document) -> dict[str, Any]:
        """A call of the controller service, as in `CreateVolume`."""
        return await self._call("Controller", method, request, sends=f"{method}Request", gets=_ANSWERS.get(method, ""))

    async def node(self, method: str, request: Document) -> dict[str, Any]:
        """A call of the node service, as in `NodePublishVolume`."""
        return await self._call("Node", method, request, sends=f"{method}Request", gets=_ANSWERS.get(method, ""))

    async def close(self) -> None:
        """Hang up."""
        await self._service.close()

    async def _abilities(self, service: str, method: str) -> frozenset[int]:
        found = (await self._call(service, method, {}, gets="GetCapabilitiesResponse"))["capabilities"]
        return frozenset(each["rpc"].get("type", 0) for each in found if "rpc" in each)

    async def _call(
        self, service: str, method: str, request: Document, *, sends: str = "Empty", gets: str = "",
        timeout: float = 120.0,
    ) -> dict[str, Any]:  # fmt: skip
        where = f"csi.v1.{service}/{method}"
        return await self._service.call(where, request, sends=sends, gets=gets or "Empty", timeout=timeout)


_ANSWERS: Mapping[str, str] = {
    "CreateVolume": "CreateVolumeResponse",
    "ControllerPublishVolume": "ControllerPublishVolumeResponse",
    "ControllerExpandVolume": "ControllerExpandVolumeResponse",
    "NodeGetVolumeStats": "NodeGetVolumeStatsResponse",
    "NodeExpandVolume": "NodeExpandVolumeResponse",
}
"""What a call is answered with, where that is not empty."""
