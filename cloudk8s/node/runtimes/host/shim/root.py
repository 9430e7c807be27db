"""Build a container's root file system in its own mount namespace and move into it.

Reads of the description: `kind` (`overlay`: layers of an image under a writable one; `host`: the host's own tree),
`mounts`, `readonly`, `masked` and `readonly_paths`, `own_proc`, `own_sys`, `is_user_namespace`, `user_attributes`
(of overlays that are mounted in such a namespace), `privileged`; from `mapped` also `tree`, the mount that it has laid.
"""

from __future__ import annotations

import os
from typing import Any

from cloudk8s.node.runtimes.host.shim import devices, mounts, paths, syscalls

_NO_EXEC = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
_KERNEL_TREES = ("proc", "sys", "dev")


def build(root: dict[str, Any]) -> None:
    """Make the file system and pivot into it; the working directory is then `/`."""
    merged: str = root["merged"]
    syscalls.mount("", "/", flags=syscalls.MS_SLAVE | syscalls.MS_REC)
    if "tree" in root:
        merged = "."
        syscalls.move_mount(root["tree"], merged)
        os.fchdir(root["tree"])
    else:
        lay_ground(root, merged)
    _proc(root, merged)
    _sys(root, merged)
    devices.populate(root, os.path.join(merged, "dev"))
    for mount in sorted(root.get("mounts", ()), key=lambda mount: mount["target"].rstrip("/").count("/")):
        mounts.bind_into(merged, mount, may_create=root["kind"] == "overlay")
    _pivot(merged)
    if root["kind"] == "overlay" and root.get("cwd"):
        os.makedirs(root["cwd"], mode=0o755, exist_ok=True)
    for path in root.get("masked", ()):
        mounts.mask(path)
    for path in root.get("readonly_paths", ()):
        mounts.make_readonly(path)
    if root.get("readonly"):
        syscalls.mount("", "/", flags=syscalls.MS_REMOUNT | syscalls.MS_BIND | syscalls.MS_RDONLY)


def lay_ground(root: dict[str, Any], merged: str, *, owner: int = 0) -> None:
    """Mount what everything else is mounted into: the image's layers, or a mirror of the host's own tree."""
    if root["kind"] == "overlay":
        _overlay(root, merged)
    else:
        _mirror_host(merged, owner)


def _overlay(root: dict[str, Any], merged: str) -> None:
    """Mount the image's layers; paths are relative so that many of them fit into one page of options."""
    os.chdir(root["layers"])
    options = f"lowerdir={':'.join(root['lower'])},upperdir={root['upper']},workdir={root['work']}"
    if root.get("user_attributes"):
        options += ",userxattr"
    syscalls.mount("overlay", merged, "overlay", 0, options)
    os.chdir("/")


def _mirror_host(merged: str, owner: int) -> None:
    syscalls.mount("tmpfs", merged, "tmpfs", 0, f"mode=755,size=16m,uid={owner},gid={owner}")
    mounts.mirror("/", merged, without=_KERNEL_TREES)
    for name in _KERNEL_TREES:
        os.makedirs(os.path.join(merged, name), exist_ok=True)
        os.chown(os.path.join(merged, name), owner, owner)


def _proc(root: dict[str, Any], merged: str) -> None:
    target = paths.join(merged, "/proc")
    os.makedirs(target, exist_ok=True)
    if root.get("own_proc"):
        syscalls.mount("proc", target, "proc", _NO_EXEC)
    else:
        syscalls.mount("/proc", target, flags=syscalls.MS_BIND | syscalls.MS_REC)


def _sys(root: dict[str, Any], merged: str) -> None:
    target = paths.join(merged, "/sys")
    os.makedirs(target, exist_ok=True)
    if not root.get("own_sys"):
        syscalls.mount("/sys", target, flags=syscalls.MS_BIND | syscalls.MS_REC)
        return
    try:
        syscalls.mount("sysfs", target, "sysfs", _NO_EXEC | (0 if root.get("privileged") else syscalls.MS_RDONLY))
    except PermissionError:  # the kernel gives no user namespace more of it than this host shows
        mounts.bind_readonly("/sys", target)
        return
    _cgroups(root, os.path.join(target, "fs", "cgroup"))


def _cgroups(root: dict[str, Any], target: str) -> None:
    """Show a container its own cgroup: the unified tree, or a directory for each controller."""
    if root.get("cgroup2"):
        syscalls.mount("cgroup2", target, "cgroup2", _NO_EXEC | syscalls.MS_RDONLY)
        return
    controllers: dict[str, str] = root.get("cgroup1", {})
    if controllers:
        syscalls.mount("tmpfs", target, "tmpfs", _NO_EXEC, "mode=755,size=64k")
    for name, source in controllers.items():
        os.makedirs(os.path.join(target, name))
        mounts.bind_readonly(source, os.path.join(target, name))


def _pivot(merged: str) -> None:
    os.chdir(merged)
    syscalls.pivot_root(".", ".")
    syscalls.unmount(".")
    os.chdir("/")
