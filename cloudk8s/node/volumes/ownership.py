"""Give a volume to the pod's fsGroup. Blocks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cloudk8s.node.users import may_give_away

_READ_WRITE, _READ, _EXECUTE = 0o660, 0o440, 0o110


def give_to_group(directory: Path, group: int | None, *, readonly: bool = False) -> None:
    """Let the group own everything below, and everything that is made there; nothing without a group or root."""
    if group is None or not may_give_away():
        return
    for path in (directory, *directory.rglob("*")):
        _give(path, group, readonly=readonly)


def _give(path: Path, group: int, *, readonly: bool) -> None:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return
    os.chown(path, -1, group, follow_symlinks=False)
    mode = stat.S_IMODE(status.st_mode) | (_READ if readonly else _READ_WRITE)
    if stat.S_ISDIR(status.st_mode):
        mode |= stat.S_ISGID | _EXECUTE
    path.chmod(mode)
