"""Parts of volumes, held for a runtime that looks for them by their path, and later than the agent did. All blocks.

Containers of the pod may swap a directory of the volume for a link meanwhile. The part is mounted where none of them
gets, and the runtime is told that place, as upstream's kubelet does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cloudk8s.node.runtimes.host.shim import paths, syscalls
from cloudk8s.node.runtimes.interface import Mount
from cloudk8s.node.volumes import removal


def pin(mounts: Sequence[Mount], directory: Path) -> tuple[Mount, ...]:
    """The same mounts from places below `directory`, a container's own; only root can do that."""
    if os.geteuid() or not any(mount.below for mount in mounts):
        return tuple(mounts)
    removal.remove_tree(directory)
    directory.mkdir(parents=True, mode=0o700)
    return tuple(_pinned(mount, directory / str(index)) for index, mount in enumerate(mounts))


def let_go(directory: Path) -> None:
    """Unmount all below a directory and remove it."""
    if directory.exists():
        removal.remove_tree(directory)


def _pinned(mount: Mount, place: Path) -> Mount:
    if not mount.below:
        return mount
    held = paths.open_below(mount.below, mount.host_path)
    try:
        source = f"/proc/self/fd/{held}"
        place.mkdir() if os.path.isdir(source) else place.touch()
        syscalls.mount(source, str(place), flags=syscalls.MS_BIND | syscalls.MS_REC)
    finally:
        os.close(held)
    return replace(mount, host_path=str(place), below="")
