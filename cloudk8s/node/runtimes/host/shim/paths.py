"""Resolve paths inside a root file system that is not trusted: symlinks never lead out of it."""

from __future__ import annotations

import os

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


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
