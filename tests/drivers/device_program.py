"""A device plugin whose devices are files."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from cloudk8s.drivers.device_plugin import CODEC
from cloudk8s.drivers.service import Service
from tests.drivers.grpc_program import Document, Refused, serving, streaming, unary

RESOURCE = "example.com/dice"


@dataclass
class DicePlugin:
    """Its devices by ID, with whether they are healthy."""

    devices: dict[str, bool] = field(default_factory=lambda: {"d1": True, "d2": True, "d3": True})
    environment: dict[str, str] = field(default_factory=dict)
    preferred: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    calls: list[tuple[str, Document]] = field(default_factory=list)
    is_broken: bool = False

    def __post_init__(self) -> None:
        self._changed = asyncio.Condition()

    async def set_health(self, device: str, *, is_healthy: bool) -> None:
        async with self._changed:
            self.devices[device] = is_healthy
            self._changed.notify_all()

    async def list_and_watch(self, request: Document) -> AsyncIterator[Document]:
        while True:
            found = [
                {"ID": name, "health": "Healthy" if healthy else "Unhealthy"} for name, healthy in self.devices.items()
            ]
            yield {"devices": found}
            async with self._changed:
                await self._changed.wait()

    async def options(self, request: Document) -> Document:
        return {"pre_start_required": True, "get_preferred_allocation_available": bool(self.preferred)}

    async def preference(self, request: Document) -> Document:
        self.calls.append(("GetPreferredAllocation", request))
        return {"container_responses": [{"deviceIDs": self.preferred}]}

    async def allocate(self, request: Document) -> Document:
        self.calls.append(("Allocate", request))
        if self.is_broken:
            raise Refused(grpc.StatusCode.INTERNAL, "the dice are cold")
        devices = request["container_requests"][0]["devices_ids"]
        answer = {
            "envs": {"DICE": ",".join(sorted(devices)), **self.environment},
            "mounts": [{"container_path": f"/dice/{path.name}", "host_path": str(path)} for path in self.files],
            "annotations": {"example.com/dice": "thrown"},
        }
        return {"container_responses": [answer]}

    async def pre_start(self, request: Document) -> Document:
        self.calls.append(("PreStartContainer", request))
        return {}


@asynccontextmanager
async def plugged_in(plugin: DicePlugin, directory: Path) -> AsyncIterator[None]:
    """The plugin serves and has registered at the node's socket."""
    methods = {
        "GetDevicePluginOptions": unary(CODEC, "Empty", "DevicePluginOptions", plugin.options),
        "ListAndWatch": streaming(CODEC, "Empty", "ListAndWatchResponse", plugin.list_and_watch),
        "GetPreferredAllocation": unary(
            CODEC, "PreferredAllocationRequest", "PreferredAllocationResponse", plugin.preference
        ),
        "Allocate": unary(CODEC, "AllocateRequest", "AllocateResponse", plugin.allocate),
        "PreStartContainer": unary(CODEC, "PreStartContainerRequest", "Empty", plugin.pre_start),
    }
    async with serving(directory / "dice.sock", {"v1beta1.DevicePlugin": methods}):
        await register(directory, options=await plugin.options({}))
        yield


def is_listened_on(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


async def register(directory: Path, **fields: object) -> None:
    """Tell the node of the plugin, once it listens."""
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(is_listened_on, directory / "kubelet.sock"):
            await asyncio.sleep(0.01)
    service = Service(str(directory / "kubelet.sock"), CODEC)
    request = {"version": "v1beta1", "endpoint": "dice.sock", "resource_name": RESOURCE, **fields}
    try:
        await service.call("v1beta1.Registration/Register", request, sends="RegisterRequest", gets="Empty")
    finally:
        await service.close()
