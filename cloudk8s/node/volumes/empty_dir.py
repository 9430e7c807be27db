"""emptyDir: a directory that lives as long as its pod, on disk or in memory."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.machinery import quantity
from cloudk8s.node.containers import pod_limits
from cloudk8s.node.machine import huge_pages
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.runtimes.host.shim import syscalls
from cloudk8s.node.volumes import ownership, removal
from cloudk8s.node.volumes.interface import Mounted, Volume, VolumeError

HUGE_PAGES: Final = "HugePages"


class EmptyDirVolumes:
    """Fulfils `VolumePlugin`. Memory needs root; without, it is a directory on disk.

    `memory` tells how many bytes the node can give to pods, which is as large as a volume in memory gets; 0 is unknown.
    """

    name = "kubernetes.io/empty-dir"
    changes = False

    def __init__(self, *, memory: Callable[[], int] = lambda: 0) -> None:
        self._memory = memory

    def supports(self, volume: Volume) -> bool:
        return "emptyDir" in volume

    async def set_up(self, pod: Object, volume: Volume, directory: Path) -> Mounted:
        source = volume["emptyDir"] or {}
        medium = _medium(pod, source)
        limit = quantity.parse(source.get("sizeLimit") or "0").value
        size = self._size(pod, limit) if medium == "Memory" else limit
        group = (spec_of(pod).get("securityContext") or {}).get("fsGroup")
        try:
            await asyncio.to_thread(_make, directory, medium, size, group)
        except OSError as error:
            raise VolumeError(str(error)) from error
        return Mounted(directory)

    async def tear_down(self, directory: Path) -> None:
        await asyncio.to_thread(removal.remove_tree, directory)

    def _size(self, pod: Object, limit: int) -> int:
        """The least of what the volume, the pod and the node may have."""
        return min(filter(None, (limit, pod_limits.pod_resources(pod).memory_limit, self._memory())), default=0)


def _medium(pod: Object, source: Mapping[str, Any]) -> str:
    """The medium; huge pages with their size, which is that of the only ones that the containers ask for."""
    medium = str(source.get("medium") or "")
    if medium != HUGE_PAGES:
        return medium
    limits = [(container.get("resources") or {}).get("limits") or {} for container in pods.all_containers(pod)]
    names = {name for each in limits for name in each if name.startswith(huge_pages.PREFIX)}
    if len(names) != 1:
        raise VolumeError(f"medium {HUGE_PAGES} needs containers that ask for one size of huge pages, not {len(names)}")
    return f"{HUGE_PAGES}-{names.pop().removeprefix(huge_pages.PREFIX)}"


def _make(directory: Path, medium: str, size: int, group: int | None) -> None:
    is_new = not directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    if medium == "Memory" and os.geteuid() == 0 and str(directory) not in removal.mount_points():
        syscalls.mount("tmpfs", str(directory), "tmpfs", 0, f"size={size}" if size else "")
        is_new = True
    if medium.startswith(HUGE_PAGES) and str(directory) not in removal.mount_points():
        options = f"pagesize={huge_pages.page_size(medium)}"
        options += f",size={size}" if size else ""
        syscalls.mount("nodev", str(directory), "hugetlbfs", 0, options)
        is_new = True
    if is_new:
        # A tmpfs begins with the sticky bit, and upstream leaves it there.
        directory.chmod(0o1777 if medium == "Memory" and os.path.ismount(directory) else 0o777)
        ownership.give_to_group(directory, group)
