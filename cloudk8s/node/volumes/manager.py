"""Sets up all volumes of a pod, keeps them up to date, and takes them away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, uid_of
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.volumes import removal
from cloudk8s.node.volumes.interface import Mounted, Volume, VolumeError, VolumePlugin


class MountFailed(Exception):
    """Some volumes are not ready; `errors` says why, by volume."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


class VolumeManager:
    """The volumes of this node's pods, below `directory`/UID/volumes."""

    def __init__(self, directory: Path, plugins: Sequence[VolumePlugin]) -> None:
        self._directory, self._plugins = directory, plugins
        self._mounted: dict[str, dict[str, Mounted]] = {}

    def mounted(self, pod_uid: str) -> Mapping[str, Mounted]:
        """What is set up of a pod."""
        return self._mounted.get(pod_uid, {})

    def images(self) -> set[str]:
        """The images that pods have as volumes, by id."""
        return {each.image for volumes in self._mounted.values() for each in volumes.values() if each.image}

    async def set_up(self, pod: Object) -> Mapping[str, Mounted]:
        """Set up, or bring up to date, all volumes that containers mount; MountFailed where some are not ready."""
        wanted = [volume for volume in spec_of(pod).get("volumes") or () if volume["name"] in _used(pod)]
        results = await asyncio.gather(*(self._set_up_one(pod, volume) for volume in wanted), return_exceptions=True)
        errors: dict[str, str] = {}
        ready = self._mounted.setdefault(uid_of(pod), {})
        for volume, result in zip(wanted, results, strict=True):
            if isinstance(result, VolumeError):
                errors[volume["name"]] = str(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                ready[volume["name"]] = result
        if errors:
            raise MountFailed(errors)
        return ready

    async def tear_down(self, pod_uid: str) -> None:
        """Undo all that was set up for a pod, also by an earlier agent, and remove its directory."""
        self._mounted.pop(pod_uid, None)
        root = self._directory / pod_uid
        found = await asyncio.to_thread(lambda: sorted(root.glob("volumes/*/*")))
        by_directory = {plugin.name.replace("/", "~"): plugin for plugin in self._plugins}
        for directory in found:
            if plugin := by_directory.get(directory.parent.name):
                await plugin.tear_down(directory)
        await asyncio.to_thread(removal.remove_tree, root)

    async def _set_up_one(self, pod: Object, volume: Volume) -> Mounted:
        plugin = next((each for each in self._plugins if each.supports(volume)), None)
        if plugin is None:
            kinds = ", ".join(key for key in volume if key != "name")
            raise VolumeError(f"no volume plugin matched: {kinds}")
        known = self._mounted.get(uid_of(pod), {}).get(volume["name"])
        if known is not None and (known.is_final or not plugin.changes):
            return known
        directory = self._directory / uid_of(pod) / "volumes" / plugin.name.replace("/", "~") / volume["name"]
        return await plugin.set_up(pod, volume, directory)


def _used(pod: Object) -> set[str]:
    return {
        mount["name"]
        for container in pods.all_containers(pod)
        for mount in (*(container.get("volumeMounts") or ()), *(container.get("volumeDevices") or ()))
    }
