"""Hands out devices: which a pod gets when it is taken, and what its containers are given for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import uid_of
from cloudk8s.drivers.device_plugin import DevicePlugin, PluginOptions
from cloudk8s.drivers.registration import PluginInfo
from cloudk8s.drivers.service import DriverError
from cloudk8s.node.devices.checkpoint import Allocation, Checkpoint
from cloudk8s.node.devices.endpoint import Endpoint
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.runtimes.interface import Device, Mount

_log = logging.getLogger(__name__)


class AllocationFailed(Exception):
    """The node can't give a pod its devices, though the scheduler thought so."""


@dataclass(frozen=True, slots=True)
class Gift:
    """What a container is given with its devices."""

    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()
    devices: Sequence[Device] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    cdi_devices: Sequence[str] = ()


class DeviceManager:
    """The devices of a node. Fulfils `PluginHandler` for plugins that register like the others do."""

    def __init__(self, directory: Path, *, on_change: Callable[[], None]) -> None:
        self._checkpoint, self._on_change = Checkpoint(directory), on_change
        self._endpoints: dict[str, Endpoint] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Learn what an earlier agent handed out; its resources count again once their plugins are back."""
        for resource in await asyncio.to_thread(self._checkpoint.load):
            self._endpoints.setdefault(resource, Endpoint(resource, None, PluginOptions()))

    def capacity(self) -> Mapping[str, str]:
        """How many devices there are, by resource."""
        return {name: str(len(each.devices)) for name, each in self._endpoints.items()}

    def allocatable(self) -> Mapping[str, str]:
        """How many of them are healthy."""
        return {name: str(len(each.healthy)) for name, each in self._endpoints.items()}

    async def register(self, info: PluginInfo) -> None:
        plugin = DevicePlugin(info.endpoint)
        await self.add(info.name, plugin, await plugin.options())

    async def deregister(self, info: PluginInfo) -> None:
        await self._forget_watch(info.name)

    async def add(self, resource: str, plugin: DevicePlugin, options: PluginOptions) -> None:
        """Take a plugin, in the place of an earlier one of the resource."""
        await self._forget_watch(resource)
        before = self._endpoints.get(resource)
        endpoint = self._endpoints[resource] = Endpoint(resource, plugin, options)
        if before is not None:
            endpoint.devices = dict.fromkeys(before.devices, False)
        watch = asyncio.create_task(endpoint.watch(self._on_change), name=f"devices {resource}")
        self._watches[resource] = watch

    async def close(self) -> None:
        """Hang up everywhere."""
        for resource in list(self._watches):
            await self._forget_watch(resource)

    async def admit(self, pod: Object) -> None:
        """Choose the pod's devices, once; raises AllocationFailed."""
        if not any(self._wants(container) for container in pods.all_containers(pod)):
            return
        async with self._lock:
            reusable: dict[str, set[str]] = {}
            for container in pods.init_containers(pod):
                await self._allocate(pod, container, reusable, is_kept=pods.is_sidecar(container))
            for container in pods.containers(pod):
                await self._allocate(pod, container, reusable, is_kept=True)

    async def gift(self, pod: Object, container: pods.Container) -> Gift:
        """What a container that is about to start is given; DriverError where a plugin can't ready its devices."""
        environment: dict[str, str] = {}
        annotations: dict[str, str] = {}
        mounts: list[Mount] = []
        devices: list[Device] = []
        cdi_devices: list[str] = []
        for each in list(self._checkpoint.of(uid_of(pod), container["name"])):
            endpoint = self._endpoints.get(each.resource)
            if endpoint is not None and endpoint.plugin is not None and endpoint.options.pre_start:
                await endpoint.plugin.pre_start(each.devices)
            answer = each.answer
            environment |= answer.get("envs") or {}
            annotations |= answer.get("annotations") or {}
            mounts += [
                Mount(found["container_path"], found["host_path"], readonly=bool(found.get("read_only")))
                for found in answer.get("mounts") or ()
            ]
            devices += [
                Device(found["host_path"], found["container_path"], found.get("permissions") or "rwm")
                for found in answer.get("devices") or ()
            ]
            cdi_devices += [found["name"] for found in answer.get("cdi_devices") or ()]
        return Gift(environment, mounts, devices, annotations, cdi_devices)

    async def free(self, pod_uid: str) -> None:
        """A pod has ended: others may have its devices."""
        await asyncio.to_thread(self._checkpoint.drop, pod_uid, list(self._endpoints))

    @property
    def holders(self) -> frozenset[str]:
        """The UIDs of all that have devices."""
        return self._checkpoint.pods

    def devices_of(self, pod_uid: str, container: str) -> Mapping[str, Sequence[str]]:
        """Which devices a container has, by resource."""
        return {each.resource: each.devices for each in self._checkpoint.of(pod_uid, container)}

    def _wants(self, container: pods.Container) -> Mapping[str, int]:
        """How many devices of which resource of ours."""
        limits: Mapping[str, Any] = (container.get("resources") or {}).get("limits") or {}
        return {name: int(value) for name, value in limits.items() if name in self._endpoints and int(value) > 0}

    async def _allocate(
        self, pod: Object, container: pods.Container, reusable: dict[str, set[str]], *, is_kept: bool
    ) -> None:
        """What init containers had, and need no more, goes to those after them first."""
        has = self.devices_of(uid_of(pod), container["name"])
        for resource, count in self._wants(container).items():
            if resource not in has:
                chosen = await self._choose(resource, count, reusable.get(resource, set()))
                await self._hand_out(pod, container["name"], resource, chosen)
            else:
                chosen = has[resource]
            spare = reusable.setdefault(resource, set())
            if is_kept:
                spare.difference_update(chosen)
            else:
                spare.update(chosen)

    async def _choose(self, resource: str, count: int, reusable: set[str]) -> Sequence[str]:
        endpoint = self._endpoints[resource]
        must = sorted(reusable)[:count]
        free = sorted(endpoint.healthy - self._checkpoint.used(resource))
        if endpoint.plugin is None or len(must) + len(free) < count:
            raise AllocationFailed(
                f"requested number of devices unavailable for {resource}. Requested: {count}, "
                f"Available: {len(must) + len(free)}"
            )
        if endpoint.options.preferred_allocation and len(must) < count < len(must) + len(free):
            try:
                wished = await endpoint.plugin.preferred([*must, *free], must, count)
            except DriverError as error:
                _log.warning("%s has no preference: %s", resource, error)
            else:
                must += [each for each in wished if each in free][: count - len(must)]
        return [*must, *[each for each in free if each not in must]][:count]

    async def _hand_out(self, pod: Object, container: str, resource: str, devices: Sequence[str]) -> None:
        plugin = self._endpoints[resource].plugin
        assert plugin is not None
        try:
            answer = await plugin.allocate(devices)
        except DriverError as error:
            raise AllocationFailed(str(error)) from error
        allocation = Allocation(uid_of(pod), container, resource, tuple(devices), answer)
        await asyncio.to_thread(self._checkpoint.add, [allocation], list(self._endpoints))

    async def _forget_watch(self, resource: str) -> None:
        watch = self._watches.pop(resource, None)
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        if (endpoint := self._endpoints.get(resource)) is not None:
            await endpoint.stop()
            self._on_change()
