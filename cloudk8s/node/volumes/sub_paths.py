"""A part of a volume as a mount's source, never outside the volume whatever its content says."""

from __future__ import annotations

import os
from pathlib import Path

from cloudk8s.node.runtimes.host.shim import paths


class SubPathError(Exception):
    """The sub-path cannot be mounted."""


def check(text: str) -> None:
    """Refuse a sub-path that is absolute or climbs; SubPathError."""
    if os.path.isabs(text):
        raise SubPathError(f'subPath "{text}": must be a relative path')
    if ".." in text.split("/"):
        raise SubPathError(f"subPath \"{text}\": must not contain '..'")


def resolve(volume: Path, text: str, *, readonly: bool) -> Path:
    """The file or directory of a sub-path; a missing directory is made. Blocks."""
    check(text)
    place = Path(paths.join(str(volume), text))
    if place.exists():
        return place
    if readonly and not os.access(volume, os.W_OK):
        raise SubPathError(f'failed to prepare subPath "{text}": no such file or directory')
    os.close(paths.open_below(str(volume), str(place), mode=volume.stat().st_mode & 0o7777))
    return place
