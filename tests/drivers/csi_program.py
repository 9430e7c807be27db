"""A CSI driver: volumes are directories, staged and published by bind mounts where it may mount.

Run as a program it serves until it is ended: python -m tests.drivers.csi_program STORE SOCKET REGISTRY NODE
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from cloudk8s.drivers.csi.driver import ControllerAbility, NodeAbility, PluginService
from cloudk8s.drivers.csi.messages import CODEC
from cloudk8s.drivers.registration import CODEC as REGISTRATION
from cloudk8s.node.runtimes.host.shim import syscalls
from cloudk8s.node.volumes.removal import mount_points
from tests.drivers.grpc_program import Document, Refused, serving, unary

NAME = "bind.example.com"
_BIND = 4096
CONTROLLER = (
    ControllerAbility.CREATE_DELETE, ControllerAbility.PUBLISH_UNPUBLISH, ControllerAbility.EXPAND,
)  # fmt: skip
NODE = (NodeAbility.STAGE_UNSTAGE, NodeAbility.STATS, NodeAbility.EXPAND)


@dataclass
class BindDriver:
    """State is what is in `store`; `calls` is what was asked of it."""

    store: Path
    node_id: str = "node-1"
    node_abilities: Sequence[int] = NODE
    controller_abilities: Sequence[int] = CONTROLLER
    topology: Mapping[str, str] = field(default_factory=dict)
    mounts: bool = os.geteuid() == 0
    calls: list[tuple[str, Document]] = field(default_factory=list)
    failures: dict[str, Refused] = field(default_factory=dict)
    attached: set[tuple[str, str]] = field(default_factory=set)

    def asked(self, method: str) -> list[Document]:
        """The requests of one method so far."""
        return [request for name, request in self.calls if name == method]

    async def get_plugin_info(self, request: Document) -> Document:
        return {"name": NAME, "vendor_version": "1"}

    async def probe(self, request: Document) -> Document:
        return {"ready": {"value": True}}

    async def plugin_capabilities(self, request: Document) -> Document:
        services = [PluginService.CONTROLLER, *([PluginService.TOPOLOGY] if self.topology else [])]
        return {"capabilities": [{"service": {"type": service}} for service in services]}

    async def controller_capabilities(self, request: Document) -> Document:
        return {"capabilities": [{"rpc": {"type": ability}} for ability in self.controller_abilities]}

    async def node_capabilities(self, request: Document) -> Document:
        return {"capabilities": [{"rpc": {"type": ability}} for ability in self.node_abilities]}

    async def node_info(self, request: Document) -> Document:
        topology = {"accessible_topology": {"segments": self.topology}} if self.topology else {}
        return {"node_id": self.node_id, "max_volumes_per_node": 7, **topology}

    async def create_volume(self, request: Document) -> Document:
        self._called("CreateVolume", request)
        handle = f"vol-{request['name']}"
        (self.store / handle).mkdir(parents=True, exist_ok=True)
        size = request["capacity_range"].get("required_bytes", 0)
        return {"volume": {"volume_id": handle, "capacity_bytes": size, "volume_context": {"made": "here"}}}

    async def delete_volume(self, request: Document) -> Document:
        self._called("DeleteVolume", request)
        shutil.rmtree(self.store / request["volume_id"], ignore_errors=True)
        return {}

    async def controller_publish(self, request: Document) -> Document:
        self._called("ControllerPublishVolume", request)
        self.attached.add((request["volume_id"], request["node_id"]))
        return {"publish_context": {"device": "/dev/imaginary"}}

    async def controller_unpublish(self, request: Document) -> Document:
        self._called("ControllerUnpublishVolume", request)
        self.attached.discard((request["volume_id"], request["node_id"]))
        return {}

    async def controller_expand(self, request: Document) -> Document:
        self._called("ControllerExpandVolume", request)
        size = request["capacity_range"]["required_bytes"]
        return {"capacity_bytes": size, "node_expansion_required": NodeAbility.EXPAND in self.node_abilities}

    async def stage(self, request: Document) -> Document:
        self._called("NodeStageVolume", request)
        self._bind(self._volume(request), Path(request["staging_target_path"]))
        return {}

    async def unstage(self, request: Document) -> Document:
        self._called("NodeUnstageVolume", request)
        self._unbind(Path(request["staging_target_path"]))
        return {}

    async def publish(self, request: Document) -> Document:
        self._called("NodePublishVolume", request)
        staged = request.get("staging_target_path")
        self._bind(Path(staged) if staged else self._volume(request), Path(request["target_path"]))
        return {}

    async def unpublish(self, request: Document) -> Document:
        self._called("NodeUnpublishVolume", request)
        self._unbind(Path(request["target_path"]))
        return {}

    async def stats(self, request: Document) -> Document:
        self._called("NodeGetVolumeStats", request)
        return {"usage": [{"total": 100, "used": 40, "available": 60, "unit": 1}]}

    async def expand(self, request: Document) -> Document:
        self._called("NodeExpandVolume", request)
        return {"capacity_bytes": request["capacity_range"]["required_bytes"]}

    def _called(self, method: str, request: Document) -> None:
        self.calls.append((method, request))
        if failure := self.failures.get(method):
            raise failure

    def _volume(self, request: Document) -> Path:
        path = self.store / str(request["volume_id"])
        if not path.is_dir():
            if not request["volume_id"].startswith("csi-"):
                raise Refused(grpc.StatusCode.NOT_FOUND, f"no volume {request['volume_id']}")
            path.mkdir(parents=True)
        return path

    def _bind(self, source: Path, target: Path) -> None:
        target.mkdir(parents=True, exist_ok=True)
        if self.mounts and str(target) not in mount_points():
            syscalls.mount(str(source), str(target), "", _BIND)

    def _unbind(self, target: Path) -> None:
        if self.mounts and str(target) in mount_points():
            syscalls.unmount(str(target), 0)
        if target.exists():
            target.rmdir()


def services(driver: BindDriver) -> Mapping[str, Mapping[str, grpc.RpcMethodHandler]]:
    """The three services of a driver."""

    def call(gets: str, answers: str, function: Any) -> grpc.RpcMethodHandler:
        return unary(CODEC, gets, answers, function)

    return {
        "csi.v1.Identity": {
            "GetPluginInfo": call("Empty", "GetPluginInfoResponse", driver.get_plugin_info),
            "Probe": call("Empty", "ProbeResponse", driver.probe),
            "GetPluginCapabilities": call("Empty", "GetPluginCapabilitiesResponse", driver.plugin_capabilities),
        },
        "csi.v1.Controller": {
            "ControllerGetCapabilities": call("Empty", "GetCapabilitiesResponse", driver.controller_capabilities),
            "CreateVolume": call("CreateVolumeRequest", "CreateVolumeResponse", driver.create_volume),
            "DeleteVolume": call("DeleteVolumeRequest", "Empty", driver.delete_volume),
            "ControllerPublishVolume": call(
                "ControllerPublishVolumeRequest", "ControllerPublishVolumeResponse", driver.controller_publish
            ),
            "ControllerUnpublishVolume": call("ControllerUnpublishVolumeRequest", "Empty", driver.controller_unpublish),
            "ControllerExpandVolume": call(
                "ControllerExpandVolumeRequest", "ControllerExpandVolumeResponse", driver.controller_expand
            ),
        },
        "csi.v1.Node": {
            "NodeGetInfo": call("Empty", "NodeGetInfoResponse", driver.node_info),
            "NodeGetCapabilities": call("Empty", "GetCapabilitiesResponse", driver.node_capabilities),
            "NodeStageVolume": call("NodeStageVolumeRequest", "Empty", driver.stage),
            "NodeUnstageVolume": call("NodeUnstageVolumeRequest", "Empty", driver.unstage),
            "NodePublishVolume": call("NodePublishVolumeRequest", "Empty", driver.publish),
            "NodeUnpublishVolume": call("NodeUnpublishVolumeRequest", "Empty", driver.unpublish),
            "NodeGetVolumeStats": call("NodeGetVolumeStatsRequest", "NodeGetVolumeStatsResponse", driver.stats),
            "NodeExpandVolume": call("NodeExpandVolumeRequest", "NodeExpandVolumeResponse", driver.expand),
        },
    }


@asynccontextmanager
async def registered(
    registry: Path, kind: str, name: str, endpoint: Path, versions: Sequence[str], told: list[Document] | None = None
) -> AsyncIterator[None]:
    """A registration socket; `told` takes what the node answers."""

    async def get_info(request: Document) -> Document:
        return {"type": kind, "name": name, "endpoint": str(endpoint), "supported_versions": list(versions)}

    async def notified(request: Document) -> Document:
        if told is not None:
            told.append(request)
        return {}

    methods = {
        "GetInfo": unary(REGISTRATION, "Empty", "PluginInfo", get_info),
        "NotifyRegistrationStatus": unary(REGISTRATION, "RegistrationStatus", "Empty", notified),
    }
    async with serving(registry / f"{name}-reg.sock", {"pluginregistration.Registration": methods}):
        yield


async def _main(store: Path, socket: Path, registry: Path, node: str) -> None:
    driver = BindDriver(store, node_id=node)
    async with serving(socket, services(driver)), registered(registry, "CSIPlugin", NAME, socket, ["1.0.0"]):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]))
