"""Bind mounts: files and directories of the host at a place in a container."""

from __future__ import annotations

import os
import stat
import zlib
from typing import Any

from cloudk8s.node.runtimes.host.shim import paths, syscalls

_PROPAGATION = {
    "private": syscalls.MS_PRIVATE,
    "host_to_container": syscalls.MS_SLAVE,
    "bidirectional": syscalls.MS_SHARED,
}
_KEPT_FLAGS = (
    (os.ST_NOSUID, syscalls.MS_NOSUID),
    (os.ST_NODEV, syscalls.MS_NODEV),
    (os.ST_NOEXEC, syscalls.MS_NOEXEC),
)


def bind_into(root: str, mount: dict[str, Any], *, may_create: bool) -> None:
    """Mount one volume into a root file system, making the mount point where it is missing.

    Where the tree belongs to the host (`may_create` False) its nearest directory is mirrored, so the host sees nothing.
    """
    target = paths.join(root, mount["target"])
    source = "" if "tree" in mount else source_of(mount)
    is_directory = mount["is_directory"] if "tree" in mount else os.path.isdir(source)
    if not os.path.lexists(target):
        if not may_create:
            _mirror_nearest(root, target)
        _make_mount_point(target, is_directory=is_directory)
    if "tree" in mount:
        syscalls.move_mount(mount["tree"], target)
    else:
        syscalls.mount(source, target, flags=syscalls.MS_BIND | syscalls.MS_REC)
    syscalls.mount("", target, flags=_PROPAGATION[mount.get("propagation", "private")] | syscalls.MS_REC)
    if mount.get("recursive_readonly"):
        syscalls.make_readonly(target)
    elif mount.get("readonly"):
        _remount_readonly(target)


def hold_shared(root: dict[str, Any]) -> None:
    """Take, while this is the host's mount namespace, what is to show the host in turn what is mounted inside."""
    for mount in root.get("mounts", ()):
        if mount.get("propagation") == "bidirectional" and "lower" not in mount:
            source = source_of(mount)
            point, is_shared = _mount_of(source)
            if not is_shared:
                raise OSError(f'path "{mount["source"]}" is mounted on "{point}" but it is not a shared mount')
            mount |= {"tree": syscalls.open_tree(source), "is_directory": os.path.isdir(source)}


def source_of(mount: dict[str, Any]) -> str:
    """The path on the host that is mounted; a part of an image is put together first.

    A part of a volume is held by a descriptor: containers that run may swap a directory for a link at any moment.
    """
    if "lower" in mount:
        return _image_part(mount)
    if mount.get("below"):
        return f"/proc/self/fd/{paths.open_below(mount['below'], mount['source'])}"
    return str(mount["source"])


def bind_readonly(source: str, target: str) -> None:
    """Show `source` and what is mounted below it, but let nobody write there."""
    syscalls.mount(source, target, flags=syscalls.MS_BIND | syscalls.MS_REC)
    syscalls.mount("", target, flags=syscalls.MS_PRIVATE | syscalls.MS_REC)
    _remount_readonly(target)


def make_readonly(path: str) -> None:
    """Forbid writing below a path that exists."""
    if os.path.exists(path):
        syscalls.mount(path, path, flags=syscalls.MS_BIND | syscalls.MS_REC)
        _remount_readonly(path)


def mask(path: str) -> None:
    """Hide a file behind /dev/null, or a directory behind an empty one."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if stat.S_ISDIR(mode):
        syscalls.mount("tmpfs", path, "tmpfs", syscalls.MS_RDONLY, "size=0k")
    else:
        syscalls.mount("/dev/null", path, flags=syscalls.MS_BIND)


def mirror(source: str, target: str, *, without: tuple[str, ...] = ()) -> None:
    """Show the entries of one directory in another, each bound to its original; more can be added beside them."""
    for entry in os.scandir(source):
        if entry.name in without:
            continue
        place = os.path.join(target, entry.name)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), place)
            continue
        _make_mount_point(place, is_directory=entry.is_dir())
        syscalls.mount(entry.path, place, flags=syscalls.MS_BIND | syscalls.MS_REC)


def _mount_of(path: str) -> tuple[str, bool]:
    """Where the mount is that holds a path, and whether it passes on what is mounted below it."""
    found, place = ("/", False), os.path.realpath(path)
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            before, _, _ = line.partition(" - ")
            fields = before.split(" ")
            point = fields[4].replace("\\040", " ")
            if (place == point or place.startswith(point.rstrip("/") + "/")) and len(point) >= len(found[0]):
                found = point, any(tag.startswith("shared:") for tag in fields[6:])
    return found


def _image_part(mount: dict[str, Any]) -> str:
    """The wanted part of an image's file system, whose layers are stacked aside."""
    lower: list[str] = mount["lower"]
    whole = lower[0]
    if len(lower) > 1:
        whole = os.path.join(mount["stage"], f"{zlib.crc32(':'.join(lower).encode()):08x}")
        if not os.path.ismount(whole):
            os.makedirs(whole, exist_ok=True)
            syscalls.mount("overlay", whole, "overlay", syscalls.MS_RDONLY, f"lowerdir={':'.join(lower)}")
    return paths.join(whole, mount["source"])


def _mirror_nearest(root: str, target: str) -> None:
    """Replace the nearest existing directory above `target` by a mirror of itself that can be written to."""
    nearest = os.path.dirname(target)
    while not os.path.isdir(nearest):
        nearest = os.path.dirname(nearest)
    if nearest == root or _is_mirror(nearest):
        return
    mode = stat.S_IMODE(os.stat(nearest).st_mode)
    original = os.path.join(root, f".{os.path.basename(nearest)}.original")
    os.makedirs(original)
    syscalls.mount(nearest, original, flags=syscalls.MS_BIND | syscalls.MS_REC)
    syscalls.mount("mirror", nearest, "tmpfs", 0, f"mode={mode:o},size=16m")
    mirror(original, nearest)
    syscalls.unmount(original)
    os.rmdir(original)


def _is_mirror(path: str) -> bool:
    escaped = os.path.abspath(path).replace(" ", "\\040")
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        last = [line.split()[0] for line in file if line.split()[1] == escaped]
    return bool(last) and last[-1] == "mirror"


def _make_mount_point(target: str, *, is_directory: bool) -> None:
    if is_directory:
        os.makedirs(target, mode=0o755, exist_ok=True)
        return
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def _remount_readonly(target: str) -> None:
    """Read-only with the flags that the mount has: a user namespace may not take those away."""
    flags = os.statvfs(target).f_flag
    kept = sum(mount_flag for file_flag, mount_flag in _KEPT_FLAGS if flags & file_flag)
    syscalls.mount("", target, flags=syscalls.MS_REMOUNT | syscalls.MS_BIND | syscalls.MS_RDONLY | kept)
