"""Resolve paths inside a root file system that is not trusted: symlinks never lead out of it."""

from __future__ import annotations

import errno
import os
import stat

_MAX_LINKS = 64


def join(root: str, path: str) -> str:
    """The place of `path` below `root` with all symlinks followed as if `root` were `/`; parts may be missing."""
    resolved: list[str] = []
    pending = _parts(path)
    links = 0
    while pending:
        part = pending.pop(0)
        if part == "..":
            resolved = resolved[:-1]
            continue
        here = os.path.join(root, *resolved, part)
        if not os.path.islink(here):
            resolved.append(part)
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(f"{path}: too many levels of symbolic links")
        target = os.readlink(here)
        if target.startswith("/"):
            resolved = []
        pending = _parts(target) + pending
    return os.path.join(root, *resolved)


def open_below(root: str, path: str, *, mode: int | None = None) -> int:
    """A descriptor of what `join` found, for as long as no link has taken the place of anything on the way there.

    It is good for a mount of `/proc/self/fd/…` only. With a `mode` missing directories are made.
    """
    found = os.open(root, os.O_PATH | os.O_CLOEXEC)
    for part in _parts(os.path.relpath(path, root)):
        try:
            below = _step(found, part, mode)
        finally:
            os.close(found)
        found = below
        if stat.S_ISLNK(os.fstat(found).st_mode) or part == "..":
            os.close(found)
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return found


def _step(directory: int, name: str, mode: int | None) -> int:
    try:
        return os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    except FileNotFoundError:
        if mode is None:
            raise
    os.mkdir(name, dir_fd=directory)
    made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    os.fchmod(made, mode)
    return made


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
