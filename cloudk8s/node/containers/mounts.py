"""A container's mounts, from its volume mounts and what every container gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cloudk8s.node.containers import expansion
from cloudk8s.node.containers.environment import ConfigurationError
from cloudk8s.node.pods.pod import Container
from cloudk8s.node.runtimes.interface import Device, Mount, Propagation
from cloudk8s.node.volumes import sub_paths
from cloudk8s.node.volumes.interface import Mounted

_PROPAGATION: Mapping[str, Propagation] = {
    "None": "private",
    "HostToContainer": "host_to_container",
    "Bidirectional": "bidirectional",
}


def volume_mounts(
    container: Container, volumes: Mapping[str, Mounted], environment: Mapping[str, str], *, can_recurse: bool
) -> list[Mount]:
    """Mounts of a container's `volumeMounts`; ConfigurationError for one that cannot be. Blocks.

    `can_recurse` tells whether the runtime makes what is mounted below a volume read-only with it.
    """
    return [_mount(mount, volumes, environment, can_recurse) for mount in container.get("volumeMounts") or ()]


def devices(container: Container, volumes: Mapping[str, Mounted]) -> tuple[Device, ...]:
    """Block volumes as devices."""
    return tuple(
        Device(str(volumes[each["name"]].path), each["devicePath"]) for each in container.get("volumeDevices") or ()
    )


def file_mount(mounts: Sequence[Mount], path: Path, container_path: str) -> list[Mount]:
    """The mount of one of the node's own files, unless the container mounts something there itself."""
    if any(mount.container_path.rstrip("/") == container_path for mount in mounts):
        return []
    return [Mount(container_path, str(path))]


def statuses(container: Container, *, can_recurse: bool) -> tuple[Mapping[str, Any], ...]:
    """What the container's status tells of its mounts."""
    return tuple(
        {"name": mount["name"], "mountPath": mount["mountPath"]}
        | ({"readOnly": True, "recursiveReadOnly": _shown(mount, can_recurse)} if mount.get("readOnly") else {})
        for mount in container.get("volumeMounts") or ()
    )


def _shown(mount: Mapping[str, Any], can_recurse: bool) -> str:
    wanted = mount.get("recursiveReadOnly")
    return "Enabled" if wanted == "Enabled" or (wanted == "IfPossible" and can_recurse) else "Disabled"


def _is_recursive(mount: Mapping[str, Any], can_recurse: bool) -> bool:
    if mount.get("recursiveReadOnly") == "Enabled" and not can_recurse:
        raise ConfigurationError(
            f'failed to resolve recursive read-only mode: volume "{mount["name"]}" requested recursive read-only mode, '
            "but it is not supported by the runtime"
        )
    return _shown(mount, can_recurse) == "Enabled"


def _mount(
    mount: Mapping[str, Any], volumes: Mapping[str, Mounted], environment: Mapping[str, str], can_recurse: bool
) -> Mount:
    volume = volumes.get(mount["name"])
    if volume is None:
        raise ConfigurationError(f'cannot find volume "{mount["name"]}" to mount into container')
    readonly = bool(mount.get("readOnly")) or volume.readonly
    path = volume.path
    try:
        text = _sub_path(mount, environment)
        if text and volume.image:
            sub_paths.check(text)
            path = path / text
        elif text:
            path = sub_paths.resolve(path, text, readonly=readonly)
    except (sub_paths.SubPathError, LookupError, OSError) as error:
        raise ConfigurationError(str(error)) from error
    target = mount["mountPath"] if mount["mountPath"].startswith("/") else f"/{mount['mountPath']}"
    return Mount(
        target, str(path), readonly=readonly, recursive_readonly=_is_recursive(mount, can_recurse),
        propagation=_PROPAGATION.get(mount.get("mountPropagation") or "None", "private"), image=volume.image,
        below="" if volume.image or path == volume.path else str(volume.path),
    )  # fmt: skip


def _sub_path(mount: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    if mount.get("subPathExpr"):
        return expansion.expand_strictly(mount["subPathExpr"], environment)
    return str(mount.get("subPath") or "")
