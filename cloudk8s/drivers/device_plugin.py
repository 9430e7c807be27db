"""Device plugins, API v1beta1: messages and calls.

https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.drivers.codec import Codec
from cloudk8s.drivers.messages import read_table
from cloudk8s.drivers.service import Service

VERSION: Final = "v1beta1"
CODEC: Final = Codec(
    read_table("""
    Empty:
    DevicePluginOptions: pre_start_required=1:bool get_preferred_allocation_available=2:bool
    RegisterRequest: version=1 endpoint=2 resource_name=3 options=4:DevicePluginOptions
    NUMANode: ID=1:int
    TopologyInfo: nodes=1:*NUMANode
    Device: ID=1 health=2 topology=3:TopologyInfo
    ListAndWatchResponse: devices=1:*Device
    ContainerPreferredAllocationRequest: available_deviceIDs=1:*string must_include_deviceIDs=2:*string
    ContainerPreferredAllocationRequest: allocation_size=3:int
    PreferredAllocationRequest: container_requests=1:*ContainerPreferredAllocationRequest
    ContainerPreferredAllocationResponse: deviceIDs=1:*string
    PreferredAllocationResponse: container_responses=1:*ContainerPreferredAllocationResponse
    ContainerAllocateRequest: devices_ids=1:*string
    AllocateRequest: container_requests=1:*ContainerAllocateRequest
    Mount: container_path=1 host_path=2 read_only=3:bool
    DeviceSpec: container_path=1 host_path=2 permissions=3
    CDIDevice: name=1
    ContainerAllocateResponse: envs=1:map mounts=2:*Mount devices=3:*DeviceSpec annotations=4:map
    ContainerAllocateResponse: cdi_devices=5:*CDIDevice
    AllocateResponse: container_responses=1:*ContainerAllocateResponse
    PreStartContainerRequest: devices_ids=1:*string
    """)
)


@dataclass(frozen=True, slots=True)
class PluginOptions:
    """Which of the optional calls a plugin has."""

    pre_start: bool = False
    preferred_allocation: bool = False

    @staticmethod
    def of(message: Mapping[str, Any]) -> PluginOptions:
        return PluginOptions(
            bool(message.get("pre_start_required")), bool(message.get("get_preferred_allocation_available"))
        )


class DevicePlugin:
    """One plugin's socket. Calls raise DriverError."""

    def __init__(self, endpoint: str) -> None:
        self._service = Service(endpoint, CODEC)

    async def options(self) -> PluginOptions:
        """Which of the optional calls it has."""
        return PluginOptions.of(await self._call("GetDevicePluginOptions", {}, "Empty", "DevicePluginOptions"))

    async def devices(self) -> AsyncIterator[Mapping[str, bool]]:
        """Its devices by ID, with whether they are healthy; again whenever that changes, until the plugin goes."""
        where = f"{VERSION}.DevicePlugin/ListAndWatch"
        async for answer in self._service.stream(where, sends="Empty", gets="ListAndWatchResponse"):
            yield {each["ID"]: each.get("health") == "Healthy" for each in answer["devices"]}

    async def preferred(self, available: Sequence[str], must: Sequence[str], size: int) -> Sequence[str]:
        """Which of the available ones the plugin would take; its word may be ignored."""
        wanted = {"available_deviceIDs": available, "must_include_deviceIDs": must, "allocation_size": size}
        request = {"container_requests": [wanted]}
        sends, gets = "PreferredAllocationRequest", "PreferredAllocationResponse"
        answers = (await self._call("GetPreferredAllocation", request, sends, gets))["container_responses"]
        chosen: Sequence[str] = answers[0]["deviceIDs"] if answers else ()
        return chosen

    async def allocate(self, devices: Sequence[str]) -> Mapping[str, Any]:
        """Ready devices for one container; what that has to be given for them."""
        request = {"container_requests": [{"devices_ids": list(devices)}]}
        answers = (await self._call("Allocate", request, "AllocateRequest", "AllocateResponse"))["container_responses"]
        return dict(answers[0]) if answers else {}

    async def pre_start(self, devices: Sequence[str]) -> None:
        """Ready devices for a container that is about to start."""
        await self._call("PreStartContainer", {"devices_ids": list(devices)}, "PreStartContainerRequest", "Empty")

    async def close(self) -> None:
        """Hang up."""
        await self._service.close()

    async def _call(self, method: str, request: Mapping[str, Any], sends: str, gets: str) -> Mapping[str, Any]:
        where = f"{VERSION}.DevicePlugin/{method}"
        return await self._service.call(where, request, sends=sends, gets=gets, timeout=30.0)
