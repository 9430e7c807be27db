"""What a pod has on disk: logs of its containers, and volumes. Blocks for as long as the disk takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import namespace_of, spec_of
from cloudk8s.node.machine.filesystems import Content, Filesystem, content_of, filesystem_of
from cloudk8s.node.pods import naming
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.volumes.interface import Mounted, Volume

_UNMEASURED: Final = ("hostPath", "image", "nfs")
"""Volumes that nobody measures: they are not the pod's own."""


@dataclass(frozen=True, slots=True)
class VolumeUse:
    """One volume; `claim` is namespace and name of a persistent one."""

    name: str
    filesystem: Filesystem
    content: Content
    claim: tuple[str, str] | None = None
    is_ephemeral: bool = False
    """It counts as the pod's own storage."""


@dataclass(frozen=True, slots=True)
class PodStorage:
    """Of one pod."""

    logs: Mapping[str, Content] = field(default_factory=dict)
    """By container."""
    volumes: Sequence[VolumeUse] = ()


def read_storage(pod: Object, mounted: Mapping[str, Mounted], log_root: Path) -> PodStorage:
    """Look at all of it."""
    directory = Path(naming.log_directory(str(log_root), pod))
    names = [container["name"] for container in pods.all_containers(pod)]
    logs = {name: content_of(directory / name) for name in names}
    return PodStorage(logs, list(_volumes(pod, mounted)))


def read_claims(pod: Object, mounted: Mapping[str, Mounted]) -> Sequence[VolumeUse]:
    """Only the volumes of persistent claims, which are looked at as a whole."""
    claimed = {
        volume["name"]
        for volume in spec_of(pod).get("volumes") or ()
        if "persistentVolumeClaim" in volume or "ephemeral" in volume
    }
    return list(_volumes(pod, {name: known for name, known in mounted.items() if name in claimed}))


def _volumes(pod: Object, mounted: Mapping[str, Mounted]) -> Iterator[VolumeUse]:
    for volume in spec_of(pod).get("volumes") or ():
        known = mounted.get(volume["name"])
        if known is None or any(kind in volume for kind in _UNMEASURED):
            continue
        try:
            yield _use(pod, volume, known.path)
        except OSError:
            continue  # the volume is just going


def _use(pod: Object, volume: Volume, path: Path) -> VolumeUse:
    whole = filesystem_of(path)
    name = (volume.get("persistentVolumeClaim") or {}).get("claimName", "")
    if not name and "ephemeral" in volume:
        name = f"{pod['metadata']['name']}-{volume['name']}"
    if name:
        return VolumeUse(volume["name"], whole, Content(whole.used_bytes, whole.inodes_used), (namespace_of(pod), name))
    in_memory = (volume.get("emptyDir") or {}).get("medium") == "Memory"
    return VolumeUse(volume["name"], whole, content_of(path), is_ephemeral="emptyDir" in volume and not in_memory)
