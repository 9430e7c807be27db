"""Write a volume's files so that a reader sees all of one version or all of another.

Files live in a directory of their own, `..data` points to it, and each name a user sees points into `..data`; an
update is one rename. Blocks: call it in a thread.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cloudk8s.node.users import may_give_away

DATA = "..data"


@dataclass(frozen=True, slots=True)
class File:
    """One file of a volume; `user` owns it where it is set."""

    content: bytes
    mode: int
    user: int | None = None


Payload = Mapping[str, File]
"""By path inside the volume."""


def write(directory: Path, payload: Payload, *, group: int | None = None) -> bool:
    """Make the directory show exactly this; False where it did already."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in payload:
        check_path(path)
    old = _current(directory)
    if old is not None and _is_same(directory / old, payload, group):
        return False
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=directory))
    fresh.chmod(0o755)
    for path, file in payload.items():
        _write_file(fresh / path, file, group)
    _point(directory, DATA, fresh.name)
    _show(directory, {path.split("/", 1)[0] for path in payload})
    if old is not None:
        shutil.rmtree(directory / old, ignore_errors=True)
    return True


def check_path(path: str) -> None:
    """Refuse a path that leads out of the volume or into the writer's own names; ValueError."""
    if not path or path.startswith(("/", "..")) or ".." in path.split("/"):
        raise ValueError(f"invalid path: {path!r} must be relative and not contain '..'")


def _current(directory: Path) -> str | None:
    try:
        return os.readlink(directory / DATA)
    except OSError:
        return None


def _is_same(root: Path, payload: Payload, group: int | None) -> bool:
    found = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}
    return found.keys() == payload.keys() and all(
        path.read_bytes() == payload[name].content and path.stat().st_mode & 0o777 == _mode(payload[name], group)
        for name, path in found.items()
    )


def _mode(file: File, group: int | None) -> int:
    return file.mode | (0o440 if group is not None else 0)


def _write_file(path: Path, file: File, group: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    path.write_bytes(file.content)
    if may_give_away() and (file.user is not None or group is not None):
        os.chown(path, -1 if file.user is None else file.user, -1 if group is None else group)
    path.chmod(_mode(file, group))


def _point(directory: Path, name: str, target: str) -> None:
    temporary = directory / f"{name}_tmp"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.rename(directory / name)


def _show(directory: Path, names: set[str]) -> None:
    """Make the links that users see, and take away those of files that are gone."""
    for name in names:
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(f"{DATA}/{name}")
    for entry in directory.iterdir():
        if not entry.name.startswith("..") and entry.name not in names and entry.is_symlink():
            entry.unlink()
