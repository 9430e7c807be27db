"""The host runtime: the contract's methods, each handed to the part that does it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import cloudk8s
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.runtimes.host import cdi, cgroups, launching, sandbox_parts
from cloudk8s.node.runtimes.host import isolation as isolations
from cloudk8s.node.runtimes.host.commands import HostCommands
from cloudk8s.node.runtimes.host.containers import Containers
from cloudk8s.node.runtimes.host.events import Events
from cloudk8s.node.runtimes.host.images.service import HostImages, WithImages
from cloudk8s.node.runtimes.host.isolation import Isolation
from cloudk8s.node.runtimes.host.layers import WritableLayers
from cloudk8s.node.runtimes.host.node_network import NodeNetwork
from cloudk8s.node.runtimes.host.records import ContainerRecord, SandboxRecord
from cloudk8s.node.runtimes.host.sandboxes import Sandboxes
from cloudk8s.node.runtimes.host.seccomp.profile import ProfileError
from cloudk8s.node.runtimes.host.seccomp.program import filter_for
from cloudk8s.node.runtimes.host.spawner import Spawner
from cloudk8s.node.runtimes.host.statistics import HostStatistics
from cloudk8s.node.runtimes.interface import (
    Container,
    ContainerConfig,
    ContainerEvent,
    CreateFailed,
    Resources,
    RuntimeFailure,
    RuntimeStatus,
    RuntimeVersion,
    Sandbox,
    SandboxConfig,
)

NAME = "cloudk8s-host"
_HANDLERS = ("", "host")
"""What a RuntimeClass may name; both are the same."""


class HostRuntime(HostCommands, HostStatistics, WithImages):
    """Containers as processes of this host; fulfils `Runtime`. One agent at a time may use a state directory."""

    def __init__(
        self, directory: Path, *, clock: Clock, isolation: Isolation | None = None, node_name: str = "",
        cluster_cidrs: Sequence[str] = (), cdi_directories: Sequence[Path] = cdi.DIRECTORIES,
    ) -> None:  # fmt: skip
        self._cdi_directories = cdi_directories
        self._directory, self._clock, self._node_name = directory, clock, node_name
        self._wanted, self._isolation = isolation, isolation or isolations.NONE
        self._events = Events()
        self._spawner = Spawner(directory)
        self._sandboxes = Sandboxes(directory / "sandboxes")
        self._containers = Containers(directory / "containers", spawner=self._spawner, events=self._events)
        self._network = NodeNetwork(directory, [ip_network(text) for text in cluster_cidrs])
        self._groups = cgroups.Hierarchies("", ())
        self._images = self._make_images()
        self._layers = WritableLayers()

    async def start(self) -> None:
        self._node_name = await asyncio.to_thread(_settle_name, self._directory, self._node_name)
        await self._spawner.start()
        await self._find_isolation()
        await self._sandboxes.start()
        await self._containers.start()
        self._network.take_over(self._sandboxes.records())

    async def close(self) -> None:
        await self._containers.close()
        await self._spawner.close()

    async def end(self, grace: timedelta) -> None:
        """End all containers and leave nothing in the kernel; an agent that comes later starts them anew."""
        running = [entry.record.id for entry in self._containers.entries() if entry.state == "running"]
        await asyncio.gather(*(self._containers.stop(key, grace) for key in running))
        await asyncio.gather(*(self.stop_sandbox(record.id) for record in self._sandboxes.records()))
        await self._let_go()

    async def purge(self) -> None:
        """End everything that this runtime made on the host, in processes and in the kernel."""
        for record in self._sandboxes.records():
            await self.remove_sandbox(record.id)
        await self._let_go()

    async def _let_go(self) -> None:
        """Remove what pods share, once there are none."""
        if self._isolation.network:
            await self._network.remove()
        await asyncio.to_thread(cgroups.remove, map(str, self._groups.roots))
        await asyncio.to_thread(cgroups.remove_parents, self._groups.roots)

    async def version(self) -> RuntimeVersion:
        return RuntimeVersion(NAME, cloudk8s.__version__)

    async def status(self) -> RuntimeStatus:
        network_ready = not self._isolation.network or self._network.is_ready
        message = "" if network_ready else "container runtime network not ready: the node has no pod range yet"
        return RuntimeStatus(
            ready=True, network_ready=network_ready, message=message, missing_isolation=self._isolation.missing,
            handlers=_HANDLERS, with_users=_HANDLERS if self._isolation.own_users else (),
            with_recursive_readonly=_HANDLERS if self._isolation.recursive_readonly else (),
        )  # fmt: skip

    async def update_pod_cidr(self, cidrs: Sequence[str]) -> None:
        if self._isolation.network:
            await self._network.set_ranges(cidrs)

    async def run_sandbox(self, config: SandboxConfig, *, handler: str = "") -> str:
        if handler not in _HANDLERS:
            raise RuntimeFailure(f'failed to get sandbox runtime: no runtime for "{handler}" is configured')
        if config.users is not None and not self._isolation.own_users:
            raise RuntimeFailure(
                "pods have no users of their own here: this needs root and file systems that map owners"
            )
        record = await self._sandboxes.prepare(config, handler=handler)
        try:
            await self._hold(record)
        except BaseException:
            await self._disconnect(record.id)
            await self._sandboxes.abandon(record.id)
            raise
        self._events.publish(config.uid, record.id, "started")
        return record.id

    async def stop_sandbox(self, sandbox_id: str) -> None:
        record = self._sandboxes.find(sandbox_id)
        if record is None:
            return
        ids = self._containers.of_sandbox(sandbox_id)
        await asyncio.gather(*(self._containers.stop(key, timedelta(0)) for key in ids))
        await self._sandboxes.stop(record)
        await self._disconnect(sandbox_id)
        await asyncio.to_thread(sandbox_parts.let_go, self._sandboxes.directory(sandbox_id))
        self._events.publish(record.config.uid, sandbox_id, "stopped")

    async def remove_sandbox(self, sandbox_id: str) -> None:
        await self.stop_sandbox(sandbox_id)
        record = self._sandboxes.find(sandbox_id)
        if record is None:
            return
        await asyncio.gather(*map(self._containers.remove, self._containers.of_sandbox(sandbox_id)))
        await asyncio.to_thread(cgroups.remove, record.cgroups)
        await self._sandboxes.forget(sandbox_id)
        self._events.publish(record.config.uid, sandbox_id, "removed")

    async def list_sandboxes(self, *, pod_uid: str = "") -> Sequence[Sandbox]:
        return await self._sandboxes.list(pod_uid=pod_uid)

    async def create_container(self, sandbox_id: str, config: ContainerConfig) -> str:
        sandbox = self._sandboxes.get(sandbox_id)
        image = await self._images.root(config.image)
        launching.argv(config, image)
        config = await asyncio.to_thread(cdi.with_devices, config, self._cdi_directories)
        await self._filter(config)
        record = await self._containers.create(sandbox, config, image=image)
        return record.id

    async def start_container(self, container_id: str) -> None:
        record = self._containers.get(container_id).record
        directory = self._sandboxes.directory(record.sandbox_id)
        sandbox = self._sandboxes.get(record.sandbox_id)
        around = launching.Surroundings(
            sandbox=sandbox, image=await self._images.root(record.image_id),
            directory=self._containers.directory(container_id), isolation=self._isolation,
            mounts=sandbox_parts.mounts(sandbox, directory), target_pid=self._main_pid(record.config),
            image_volumes=await self._image_volumes(record.config),
            shared_memory=await asyncio.to_thread(sandbox_parts.shared_memory, directory),
            call_filter=await self._filter(record.config),
        )  # fmt: skip
        await self._containers.start_process(record, around)

    async def _filter(self, config: ContainerConfig) -> str:
        """The container's filter of system calls; CreateFailed where its profile can't be honoured."""
        try:
            return await asyncio.to_thread(filter_for, config.security)
        except ProfileError as error:
            raise CreateFailed(str(error)) from error

    async def stop_container(self, container_id: str, grace: timedelta) -> None:
        await self._containers.stop(container_id, grace)

    async def remove_container(self, container_id: str) -> None:
        await self._containers.remove(container_id)

    async def list_containers(self, *, pod_uid: str = "") -> Sequence[Container]:
        return self._containers.list(pod_uid=pod_uid)

    async def container_status(self, container_id: str) -> Container:
        return self._containers.get(container_id).as_container()

    async def update_sandbox(self, sandbox_id: str, resources: Resources) -> None:
        record = self._sandboxes.get(sandbox_id)
        await asyncio.to_thread(cgroups.limit, record.cgroups, resources, is_whole_pod=True)
        await self._sandboxes.save(replace(record, config=replace(record.config, resources=resources)))
        await self._weigh()

    async def limit_pods(self, resources: Resources) -> bool:
        await asyncio.to_thread(self._groups.limit, resources)
        return bool(self._groups.version)

    async def update_resources(self, container_id: str, resources: Resources) -> None:
        entry = self._containers.get(container_id)
        used = (await asyncio.to_thread(cgroups.usage, entry.record.cgroups)).memory_working_set
        if 0 < resources.memory_limit < used:
            raise RuntimeFailure(
                f"attempting to set memory limit ({resources.memory_limit}) below current usage ({used})"
            )
        await self._containers.resize(entry, resources)

    def events(self) -> AsyncIterator[ContainerEvent]:
        return self._events.listen()

    async def _find_isolation(self) -> None:
        """Find out what this host gives, unless that was decided already."""
        if self._wanted is None:
            group = cgroups.name_of_node(self._node_name, self._directory)
            self._groups = await asyncio.to_thread(cgroups.Hierarchies.find, group)
            answer, _ = await self._spawner.request({"kind": "probe"})
            self._isolation = isolations.found(
                answer, self._groups.version, is_relayed=sandbox_parts.RELAYED in os.environ
            )
            self._images = self._make_images()
        await asyncio.to_thread(self._images.store.write_form)

    def _make_images(self) -> HostImages:
        return HostImages(
            self._directory / "images", is_overlay=not self._isolation.user_namespace, can_run=self._isolation.mounts,
            in_use=lambda: {name for entry in self._containers.entries() for name in _images_of(entry.record)},
        )  # fmt: skip

    async def _hold(self, record: SandboxRecord) -> None:
        """Make the sandbox's cgroup, namespaces, network and files."""
        directory = self._sandboxes.directory(record.id)
        if self._groups.version:
            groups = await asyncio.to_thread(self._groups.make, record.config.cgroup_parent or record.id)
            record = replace(record, cgroups=groups)
            await asyncio.to_thread(cgroups.limit, groups, record.config.resources, is_whole_pod=True)
        kinds = sandbox_parts.unshared(record.config, self._isolation)
        network: dict[str, Any] = {}
        if "net" in kinds:
            network, ips = self._network.connect(record.id)
            record = replace(record, ips=ips)
        if kinds:
            request = sandbox_parts.request(record, directory, kinds, network=network)
            holder, _ = await self._spawner.request(request)
            if "error" in holder:
                raise RuntimeFailure(f"the sandbox's namespaces could not be made: {holder['error']}")
            record = replace(record, holder=holder)
        await asyncio.to_thread(sandbox_parts.write_files, record, directory)
        await self._network.open_ports(record)
        await self._sandboxes.save(record)
        await self._weigh()

    async def _weigh(self) -> None:
        """Give the groups of best-effort and of burstable pods their weights against guaranteed ones."""
        if not self._groups.version:
            return
        configs = [record.config for record in self._sandboxes.records() if not record.is_stopped]
        burstable = sum(each.resources.cpu_shares for each in configs if each.cgroup_parent.startswith("burstable/"))
        await asyncio.to_thread(self._groups.weigh, {"besteffort": 2, "burstable": min(max(2, burstable), 262_144)})

    async def _disconnect(self, sandbox_id: str) -> None:
        """Without a network for pods there is no interface, or it is in namespaces that are not this process's."""
        if self._isolation.network:
            await self._network.disconnect(sandbox_id)

    async def _image_volumes(self, config: ContainerConfig) -> dict[str, tuple[Path, ...]]:
        """The layers of the images that a container mounts."""
        ids = {mount.image for mount in config.mounts if mount.image}
        return {image_id: (await self._images.root(image_id)).layers or (Path("/"),) for image_id in ids}

    def _main_pid(self, config: ContainerConfig) -> int:
        """The first process of the container whose PID namespace is joined."""
        target = config.namespaces.target_id
        run = self._containers.get(target).run if config.namespaces.pid == "target" and target else None
        return int(run["main_pid"]) if run else 0


def _images_of(record: ContainerRecord) -> set[str]:
    """Those that a container is made of, and that it has as volumes."""
    return {record.image_id, *(mount.image for mount in record.config.mounts if mount.image)}


def _settle_name(directory: Path, name: str) -> str:
    """Make the directory, and keep the node's name in it for whoever comes later without one. Blocks."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o711)
    path = directory / "node-name"
    if name:
        path.write_text(name)
    return path.read_text() if path.exists() else "node"
