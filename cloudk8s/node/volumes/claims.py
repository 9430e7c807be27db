"""Persistent volume claims: bound, of this node, and backed by a directory of this host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from cloudk8s.client.events import EventKind
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of, owner_references_of, spec_of, status_of, uid_of
from cloudk8s.machinery import quantity
from cloudk8s.node.volumes import host_path, ownership
from cloudk8s.node.volumes.interface import Mounted, Volume, VolumeError

Announce = Callable[[Object, EventKind, str, str], None]
"""Say something about a pod: kind, reason and note of an event."""


class ClaimSource(Protocol):
    """Where claims and volumes come from."""

    async def claim(self, namespace: str, name: str) -> Object | None:
        """A persistent volume claim; None where there is none."""

    async def persistent_volume(self, name: str) -> Object | None:
        """A persistent volume; None where there is none."""

    async def resized(self, claim: Object, size: str) -> None:
        """Write that a claim has its new size."""


class DriverVolumes(Protocol):
    """What does the work where a claim's volume is a driver's."""

    async def set_up_claimed(self, pod: Object, volume: Volume, bound: Object) -> Mounted:
        """Make it ready, or bring it up to date; raises VolumeError."""

    async def expand(self, pod: Object, bound: Object, size: int) -> None:
        """Let its file system grow; raises VolumeError."""


class ClaimVolumes:
    """Fulfils `VolumePlugin` for `persistentVolumeClaim` and `ephemeral`: hostPath, local ones, and those of drivers.

    Those of drivers are looked at again and again, for they may have to grow.
    """

    name = "kubernetes.io/local-volume"
    changes = True

    def __init__(self, source: ClaimSource, drivers: DriverVolumes, *, announce: Announce) -> None:
        self._source, self._drivers, self._announce = source, drivers, announce

    def supports(self, volume: Volume) -> bool:
        return "persistentVolumeClaim" in volume or "ephemeral" in volume

    async def set_up(self, pod: Object, volume: Volume, directory: Path) -> Mounted:
        name = claim_name(pod, volume)
        claim = await self._source.claim(namespace_of(pod), name)
        bound = await self._bound(pod, volume, name, claim)
        if "csi" in spec_of(bound) and claim is not None:
            mounted = await self._drivers.set_up_claimed(pod, volume, bound)
            await self._expand(pod, claim, bound)
            return mounted
        path, is_local = _place(bound)
        await asyncio.to_thread(_prepare, path, bound, is_local)
        group = (spec_of(pod).get("securityContext") or {}).get("fsGroup")
        readonly = bool((volume.get("persistentVolumeClaim") or {}).get("readOnly"))
        if is_local and not readonly:
            rarely = ownership.only_if_needed(pod)
            await asyncio.to_thread(ownership.give_to_group, path, group, only_if_needed=rarely)
        return Mounted(path, readonly=readonly, is_final=True)

    async def tear_down(self, directory: Path) -> None:
        return

    async def _expand(self, pod: Object, claim: Object, bound: Object) -> None:
        """Finish on the node what the controller has begun."""
        pending = (status_of(claim).get("allocatedResourceStatuses") or {}).get("storage", "")
        if not pending.startswith("NodeResize"):
            return
        size = quantity.parse(spec_of(bound)["capacity"]["storage"])
        await self._drivers.expand(pod, bound, size.value)
        await self._source.resized(claim, str(size))
        note = f'MountVolume.NodeExpandVolume succeeded for volume "{name_of(bound)}"'
        self._announce(pod, "Normal", "FileSystemResizeSuccessful", note)

    async def _bound(self, pod: Object, volume: Volume, name: str, claim: Object | None) -> Object:
        if claim is None:
            raise VolumeError(
                f'error processing PVC {namespace_of(pod)}/{name}: persistentvolumeclaim "{name}" not found'
            )
        if "ephemeral" in volume and not any(each["uid"] == uid_of(pod) for each in owner_references_of(claim)):
            raise VolumeError(
                f"error processing PVC {namespace_of(pod)}/{name}: PVC was not created for pod (pod is not owner)"
            )
        volume_name = spec_of(claim).get("volumeName")
        if status_of(claim).get("phase") != "Bound" or not volume_name:
            raise VolumeError(f"error processing PVC {namespace_of(pod)}/{name}: PVC is not bound")
        bound = await self._source.persistent_volume(volume_name)
        reference = spec_of(bound).get("claimRef") or {} if bound is not None else {}
        if bound is None or reference.get("uid") != uid_of(claim):
            raise VolumeError(f"failed to fetch PV {volume_name} from API server: it is not bound to {name_of(claim)}")
        return bound


def claim_name(pod: Object, volume: Volume) -> str:
    """The claim's name; that of an ephemeral volume is made of the pod's."""
    if "ephemeral" in volume:
        return f"{name_of(pod)}-{volume['name']}"
    return str(volume["persistentVolumeClaim"]["claimName"])


def _place(bound: Object) -> tuple[Path, bool]:
    spec: Mapping[str, Any] = spec_of(bound)
    for kind in ("local", "hostPath"):
        if kind in spec:
            return Path(spec[kind]["path"]), kind == "local"
    kinds = sorted(
        key for key, value in spec.items() if isinstance(value, dict) and key not in ("capacity", "claimRef")
    )
    raise VolumeError(f"persistent volume {name_of(bound)}: no plugin for {', '.join(kinds)}")


def _prepare(path: Path, bound: Object, is_local: bool) -> None:
    if is_local and not path.exists():
        raise VolumeError(f'local volume "{name_of(bound)}": path "{path}" does not exist')
    if not is_local:
        host_path.check(path, spec_of(bound)["hostPath"].get("type") or "DirectoryOrCreate")
