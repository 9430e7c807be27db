"""How much each pod uses of what the node is short of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import uid_of
from cloudk8s.node.machine.filesystems import Content
from cloudk8s.node.pods import naming
from cloudk8s.node.pressure.ranking import Candidate
from cloudk8s.node.runtimes.interface import ContainerStats, Runtime
from cloudk8s.node.server.pod_storage import read_storage
from cloudk8s.node.volumes.interface import Mounted

MountedVolumes = Callable[[str], Mapping[str, Mounted]]
"""The volumes of a pod by its UID."""


class Consumption:
    """Asks the runtime, and looks at the disk where that is what is short."""

    def __init__(self, runtime: Runtime, mounted: MountedVolumes, log_root: Path) -> None:
        self._runtime, self._mounted, self._log_root = runtime, mounted, log_root

    async def of(self, wanted: Sequence[Object], resource: str) -> list[Candidate]:
        """The pods with what they use of a resource, as signals name it."""
        by_pod: dict[str, list[ContainerStats]] = {}
        for stats in await self._runtime.container_stats():
            by_pod.setdefault(stats.labels.get(naming.POD_UID, ""), []).append(stats)
        if resource in ("ephemeral-storage", "inodes"):
            return [
                await asyncio.to_thread(self._on_disk, pod, by_pod.get(uid_of(pod), ()), resource) for pod in wanted
            ]
        field = "processes" if resource == "pids" else "memory_working_set"
        return [
            Candidate(pod, {_name(stats): getattr(stats, field) for stats in by_pod.get(uid_of(pod), ())})
            for pod in wanted
        ]

    def _on_disk(self, pod: Object, containers: Sequence[ContainerStats], resource: str) -> Candidate:
        """Logs and writable layers of containers, and volumes that end with the pod. Blocks."""
        storage = read_storage(pod, dict(self._mounted(uid_of(pod))), self._log_root)
        own = dict(storage.logs)
        for stats in containers:
            layer = Content(stats.writable_layer_bytes, stats.writable_layer_inodes)
            own[_name(stats)] = own.get(_name(stats), Content()) + layer
        volumes = sum((each.content for each in storage.volumes if each.is_ephemeral), Content())
        return Candidate(
            pod, {name: _amount(content, resource) for name, content in own.items()}, _amount(volumes, resource)
        )


def _amount(content: Content, resource: str) -> int:
    return content.used_bytes if resource == "ephemeral-storage" else content.inodes_used


def _name(stats: ContainerStats) -> str:
    return stats.labels.get(naming.CONTAINER_NAME, stats.name)
