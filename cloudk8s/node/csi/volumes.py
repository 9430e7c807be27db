"""Volumes of CSI drivers: attach is waited for, then stage (once a node), publish (once a pod), and back.

https://github.com/container-storage-interface/spec/blob/master/spec.md#volume-lifecycle
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, uid_of
from cloudk8s.drivers.csi.driver import NodeAbility
from cloudk8s.drivers.csi.names import unique_name
from cloudk8s.drivers.service import DriverError
from cloudk8s.node.csi import records
from cloudk8s.node.csi.cluster import CsiCluster
from cloudk8s.node.csi.drivers import CsiDrivers, RegisteredDriver
from cloudk8s.node.csi.records import Record
from cloudk8s.node.csi.volume import CsiVolume, of_persistent_volume, of_pod, pod_context
from cloudk8s.node.volumes import ownership, removal
from cloudk8s.node.volumes.interface import Mounted, Volume, VolumeError


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are: the node's directory, and that of its pods."""

    root: Path
    pods: Path

    def staging(self, volume: CsiVolume) -> Path:
        if volume.is_block:
            return self.root / "plugins" / "kubernetes.io" / "csi" / "volumeDevices" / "staging" / volume.name
        return records.staging_directory(self.root, volume.driver, volume.handle)

    def target(self, volume: CsiVolume, pod: Object, directory: Path) -> Path:
        if volume.is_block:
            devices = self.root / "plugins" / "kubernetes.io" / "csi" / "volumeDevices"
            return devices / "publish" / volume.name / uid_of(pod)
        return directory / "mount"


@dataclass(frozen=True, slots=True)
class _Published:
    mounted: Mounted
    is_republished: bool


class CsiVolumes:
    """Fulfils `VolumePlugin` for `csi` in a pod; `set_up_claimed` is for claims. `on_use` is told when that changes."""

    name = "kubernetes.io/csi"
    changes = True

    def __init__(self, layout: Layout, drivers: CsiDrivers, cluster: CsiCluster, *, on_use: Callable[[], None]) -> None:
        self._layout, self._drivers, self._cluster, self._on_use = layout, drivers, cluster, on_use
        self._published: dict[Path, _Published] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._in_use: set[str] = set()

    def supports(self, volume: Volume) -> bool:
        return "csi" in volume

    async def set_up(self, pod: Object, volume: Volume, directory: Path) -> Mounted:
        return await self._set_up(pod, of_pod(pod, volume), directory)

    async def set_up_claimed(self, pod: Object, volume: Volume, bound: Object) -> Mounted:
        """Make the volume of a claim ready, which is bound to a PersistentVolume with a `csi` source."""
        is_readonly = bool((volume.get("persistentVolumeClaim") or {}).get("readOnly"))
        wanted = of_persistent_volume(bound, is_readonly=is_readonly)
        return await self._set_up(pod, wanted, self._directory(pod, wanted))

    async def expand(self, pod: Object, bound: Object, size: int) -> None:
        """Let the file system of a published volume grow; VolumeError where the driver fails."""
        volume = of_persistent_volume(bound, is_readonly=False)
        driver = self._driver(volume.driver)
        if not driver.can(NodeAbility.EXPAND):
            return
        target = self._layout.target(volume, pod, self._directory(pod, volume))
        request = {
            "volume_id": volume.handle,
            "volume_path": str(target),
            "capacity_range": {"required_bytes": size},
            "staging_target_path": self._staging_path(driver, volume),
            "volume_capability": volume.capability(driver),
            "secrets": await self._cluster.secrets(volume.expand_secret),
        }
        await _call(driver, "NodeExpandVolume", request)

    async def tear_down(self, directory: Path) -> None:
        self._published.pop(directory, None)
        record = await asyncio.to_thread(records.read, directory)
        if record is None:
            return
        driver = self._driver(record.driver)
        async with self._lock(record.driver, record.handle):
            await _call(driver, "NodeUnpublishVolume", {"volume_id": record.handle, "target_path": str(record.target)})
            await asyncio.to_thread(_remove_record, directory, record)
            if record.staging is not None and not await self._is_used(record):
                request = {"volume_id": record.handle, "staging_target_path": str(record.staging)}
                await _call(driver, "NodeUnstageVolume", request)
                await asyncio.to_thread(removal.remove_tree, record.staging.parent)
        await self.look_at_use()

    @property
    def in_use(self) -> Sequence[str]:
        """`status.volumesInUse`: what must not be detached."""
        return sorted(self._in_use)

    async def look_at_use(self) -> None:
        """Read from disk what is published; after a restart, and after each volume that goes."""
        found = await asyncio.to_thread(lambda: list(records.all_of(self._layout.pods)))
        self._set_in_use({unique_name(each.driver, each.handle) for each in found if not each.is_ephemeral})

    async def stats(self, directory: Path) -> Mapping[str, Any] | None:
        """What the driver says of a published volume's fill; None where it says nothing."""
        record = await asyncio.to_thread(records.read, directory)
        driver = self._drivers.get(record.driver) if record is not None else None
        if record is None or driver is None or not driver.can(NodeAbility.STATS):
            return None
        staging = str(record.staging or "")
        request = {"volume_id": record.handle, "volume_path": str(record.target), "staging_target_path": staging}
        return await _call(driver, "NodeGetVolumeStats", request)

    async def _set_up(self, pod: Object, volume: CsiVolume, directory: Path) -> Mounted:
        known = self._published.get(directory)
        if known is not None and not known.is_republished:
            return known.mounted
        driver = self._driver(volume.driver)
        spec = await self._cluster.driver_spec(volume.driver)
        if volume.is_ephemeral and "Ephemeral" not in (spec.get("volumeLifecycleModes") or ("Persistent",)):
            text = f'volume mode "Ephemeral" not supported by driver {volume.driver} (no CSIDriver object)'
            raise VolumeError(text if not spec else text.replace("no CSIDriver object", 'only supports ["Persistent"]'))
        async with self._lock(volume.driver, volume.handle):
            mounted = await self._publish(pod, volume, directory, driver, spec)
        self._published[directory] = _Published(mounted, bool(spec.get("requiresRepublish")))
        return mounted

    async def _publish(
        self, pod: Object, volume: CsiVolume, directory: Path, driver: RegisteredDriver, spec: Mapping[str, Any]
    ) -> Mounted:
        context: Mapping[str, str] = {}
        if not volume.is_ephemeral:
            self._set_in_use(self._in_use | {unique_name(volume.driver, volume.handle)})
            if spec.get("attachRequired", True):
                context = await self._cluster.publish_context(volume)
        group = (spec_of(pod).get("securityContext") or {}).get("fsGroup")
        is_given_by_driver = driver.can(NodeAbility.MOUNT_GROUP)
        capability = volume.capability(driver, group if is_given_by_driver else None)
        staging = self._staging_path(driver, volume)
        target = self._layout.target(volume, pod, directory)
        record = Record(volume.driver, volume.handle, target, Path(staging) if staging else None, volume.is_ephemeral)
        is_first = directory not in self._published
        await asyncio.to_thread(_prepare, record, directory)
        if staging and is_first:
            await _call(driver, "NodeStageVolume", {
                "volume_id": volume.handle, "publish_context": context, "staging_target_path": staging,
                "volume_capability": capability, "volume_context": volume.attributes,
                "secrets": await self._cluster.secrets(volume.stage_secret),
            })  # fmt: skip
        await _call(driver, "NodePublishVolume", {
            "volume_id": volume.handle, "publish_context": context, "staging_target_path": staging,
            "target_path": str(target), "volume_capability": capability, "readonly": volume.is_readonly,
            "volume_context": await self._volume_context(pod, volume, spec),
            "secrets": await self._cluster.secrets(volume.publish_secret),
        })  # fmt: skip
        if is_first and not is_given_by_driver and volume.wants_group(spec.get("fsGroupPolicy") or ""):
            rarely = ownership.only_if_needed(pod)
            await asyncio.to_thread(ownership.give_to_group, target, group, only_if_needed=rarely)
        return Mounted(target, readonly=volume.is_readonly)

    async def _volume_context(self, pod: Object, volume: CsiVolume, spec: Mapping[str, Any]) -> Mapping[str, str]:
        context = dict(volume.attributes)
        if spec.get("podInfoOnMount"):
            has_ephemeral = "Ephemeral" in (spec.get("volumeLifecycleModes") or ())
            context |= pod_context(pod, is_ephemeral=volume.is_ephemeral, has_ephemeral=has_ephemeral)
        return context | await self._cluster.token_context(pod, spec)

    def _directory(self, pod: Object, volume: CsiVolume) -> Path:
        return self._layout.pods / uid_of(pod) / "volumes" / self.name.replace("/", "~") / volume.name

    def _staging_path(self, driver: RegisteredDriver, volume: CsiVolume) -> str:
        if volume.is_ephemeral or not driver.can(NodeAbility.STAGE_UNSTAGE):
            return ""
        return str(self._layout.staging(volume))

    def _driver(self, name: str) -> RegisteredDriver:
        driver = self._drivers.get(name)
        if driver is None:
            raise VolumeError(f"driver name {name} not found in the list of registered CSI drivers")
        return driver

    def _lock(self, driver: str, handle: str) -> asyncio.Lock:
        """One call at a time for a volume, as CSI asks for."""
        return self._locks.setdefault((driver, handle), asyncio.Lock())

    async def _is_used(self, record: Record) -> bool:
        """Whether another pod of the node has the volume."""
        found = await asyncio.to_thread(lambda: list(records.all_of(self._layout.pods)))
        return any((each.driver, each.handle) == (record.driver, record.handle) for each in found)

    def _set_in_use(self, names: set[str]) -> None:
        if names != self._in_use:
            self._in_use = names
            self._on_use()


async def _call(driver: RegisteredDriver, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return await driver.calls.node(method, request)
    except DriverError as error:
        raise VolumeError(str(error)) from error


def _prepare(record: Record, directory: Path) -> None:
    """Make the parents of what the driver makes, and remember it before it is there."""
    if record.staging is not None:
        record.staging.mkdir(mode=0o750, parents=True, exist_ok=True)
    record.target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    record.write(directory)


def _remove_record(directory: Path, record: Record) -> None:
    removal.remove_tree(directory)
    if record.target.exists() and not record.target.is_relative_to(directory):
        record.target.unlink()
