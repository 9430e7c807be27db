"""How full file systems and directories are. Everything here blocks for as long as the disk takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Filesystem:
    """A file system as a whole."""

    available_bytes: int
    capacity_bytes: int
    used_bytes: int
    inodes_free: int
    inodes: int

    @property
    def inodes_used(self) -> int:
        return self.inodes - self.inodes_free


@dataclass(frozen=True, slots=True)
class Content:
    """What lies below a directory."""

    used_bytes: int = 0
    inodes_used: int = 0

    def __add__(self, other: Content) -> Content:
        return Content(self.used_bytes + other.used_bytes, self.inodes_used + other.inodes_used)


def filesystem_of(path: Path) -> Filesystem:
    """The file system that holds a path."""
    found = os.statvfs(path)
    size, free = found.f_frsize, found.f_bfree
    return Filesystem(
        available_bytes=found.f_bavail * size,
        capacity_bytes=found.f_blocks * size,
        used_bytes=(found.f_blocks - free) * size,
        inodes_free=found.f_ffree,
        inodes=found.f_files,
    )


def content_of(path: Path) -> Content:
    """Space and files below a directory of one file system, links counted once; absent is empty."""
    seen: set[tuple[int, int]] = set()
    used = 0
    for directory, _, files in os.walk(path):
        for name in (directory, *(os.path.join(directory, file) for file in files)):
            try:
                found = os.lstat(name)
            except OSError:
                continue
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                used += found.st_blocks * 512
    return Content(used, len(seen))
