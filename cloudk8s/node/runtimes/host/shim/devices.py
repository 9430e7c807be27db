"""A container's /dev: the few devices everyone gets, terminals of its own, and what its description adds."""

from __future__ import annotations

import os
import stat
from typing import Any

from cloudk8s.node.runtimes.host.shim import syscalls

_DEFAULT = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = (("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
          ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"))  # fmt: skip


def populate(root: dict[str, Any], dev: str) -> None:
    """Mount a fresh /dev and fill it."""
    in_user_namespace = bool(root.get("is_user_namespace"))
    os.makedirs(dev, exist_ok=True)
    syscalls.mount("tmpfs", dev, "tmpfs", syscalls.MS_NOSUID, "mode=755,size=64k")
    for name in _DEFAULT:
        _device(f"/dev/{name}", os.path.join(dev, name), bound=in_user_namespace)
    for name, target in _LINKS:
        os.symlink(target, os.path.join(dev, name))
    _terminals(dev, group="" if in_user_namespace else ",gid=5")
    _shared_memory(dev, root)
    if root.get("privileged") and not in_user_namespace:
        _all_devices(dev)
    for device in root.get("devices", ()):
        target = os.path.join(dev, os.path.relpath(device["target"], "/dev"))
        _device(device["source"], target, bound=in_user_namespace)


def _terminals(dev: str, *, group: str) -> None:
    os.makedirs(f"{dev}/pts")
    flags = syscalls.MS_NOSUID | syscalls.MS_NOEXEC
    syscalls.mount("devpts", f"{dev}/pts", "devpts", flags, f"newinstance,ptmxmode=0666,mode=0620{group}")


def _shared_memory(dev: str, root: dict[str, Any]) -> None:
    """The pod's own shared memory where it has one."""
    os.makedirs(f"{dev}/shm")
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    if "shm_tree" in root:
        syscalls.move_mount(root["shm_tree"], f"{dev}/shm")
    elif root.get("shm"):
        syscalls.mount(root["shm"], f"{dev}/shm", flags=syscalls.MS_BIND)
    else:
        syscalls.mount("shm", f"{dev}/shm", "tmpfs", flags, "mode=1777,size=64m")


def _all_devices(dev: str) -> None:
    for entry in os.scandir("/dev"):
        target = os.path.join(dev, entry.name)
        is_device = stat.S_ISCHR(entry.stat(follow_symlinks=False).st_mode) or stat.S_ISBLK(
            entry.stat(follow_symlinks=False).st_mode
        )
        if is_device and not os.path.lexists(target):
            _device(entry.path, target, bound=False)


def _device(source: str, target: str, *, bound: bool) -> None:
    """Make a device node like the host's, or bind the host's own where nodes may not be made."""
    try:
        status = os.stat(source)
    except FileNotFoundError:
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if bound:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        syscalls.mount(source, target, flags=syscalls.MS_BIND)
        return
    os.mknod(target, status.st_mode, status.st_rdev)
    os.chmod(target, stat.S_IMODE(status.st_mode))
    os.chown(target, status.st_uid, status.st_gid)
