"""Give a volume to the pod's fsGroup. Blocks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.node.users import may_give_away

_READ_WRITE, _READ, _EXECUTE = 0o660, 0o440, 0o110


def give_to_group(
    directory: Path, group: int | None, *, readonly: bool = False, only_if_needed: bool = False
) -> None:  # fmt: skip
    """Let the group own everything below, and everything that is made there; nothing without a group or root.

    With `only_if_needed` nothing is changed where the directory itself is as it should be (`OnRootMismatch`).
    """
    if group is None or not may_give_away() or (only_if_needed and _is_given(directory, group, readonly=readonly)):
        return
    for path in (directory, *directory.rglob("*")):
        _give(path, group, readonly=readonly)


def _is_given(directory: Path, group: int, *, readonly: bool) -> bool:
    status = directory.lstat()
    wanted = stat.S_ISGID | _EXECUTE | (_READ if readonly else _READ_WRITE)
    return status.st_gid == group and status.st_mode & wanted == wanted


def only_if_needed(pod: Object) -> bool:
    """Whether the pod asks for that."""
    context = spec_of(pod).get("securityContext") or {}
    return context.get("fsGroupChangePolicy") == "OnRootMismatch"


def _give(path: Path, group: int, *, readonly: bool) -> None:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return
    os.chown(path, -1, group, follow_symlinks=False)
    mode = stat.S_IMODE(status.st_mode) | (_READ if readonly else _READ_WRITE)
    if stat.S_ISDIR(status.st_mode):
        mode |= stat.S_ISGID | _EXECUTE
    path.chmod(mode)
