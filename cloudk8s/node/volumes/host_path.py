"""hostPath: a path of this host, checked or made as its type says."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

from cloudk8s.client.interface import Object
from cloudk8s.node.volumes.interface import Mounted, Volume, VolumeError

_CHECKS: dict[str, tuple[Callable[[int], bool], str]] = {
    "Directory": (stat.S_ISDIR, "directory"),
    "File": (stat.S_ISREG, "file"),
    "Socket": (stat.S_ISSOCK, "socket file"),
    "CharDevice": (stat.S_ISCHR, "character device"),
    "BlockDevice": (stat.S_ISBLK, "block device"),
}


class HostPathVolumes:
    """Fulfils `VolumePlugin`."""

    name = "kubernetes.io/host-path"
    changes = False

    def supports(self, volume: Volume) -> bool:
        return "hostPath" in volume

    async def set_up(self, pod: Object, volume: Volume, directory: Path) -> Mounted:
        source = volume["hostPath"]
        path = Path(source["path"])
        await asyncio.to_thread(check, path, source.get("type") or "")
        return Mounted(path)

    async def tear_down(self, directory: Path) -> None:
        return


def check(path: Path, kind: str) -> None:
    """Make what may be made and refuse what is something else; VolumeError in upstream's words."""
    try:
        if kind == "DirectoryOrCreate" and not path.exists():
            path.mkdir(parents=True, mode=0o755)
        elif kind == "FileOrCreate" and not path.exists():
            path.touch(mode=0o644)
        mode = path.stat().st_mode if path.exists() else None
    except OSError as error:
        raise VolumeError(str(error)) from error
    test, words = _CHECKS.get(kind.removesuffix("OrCreate"), (None, ""))
    if test is not None and (mode is None or not test(mode)):
        raise VolumeError(f"hostPath type check failed: {path} is not a {words}")
    if mode is None:
        path.mkdir(parents=True, exist_ok=True)  # an unset type means what Docker did: make a directory
