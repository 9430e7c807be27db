"""Leave the host's namespaces: join the sandbox's, make the container's own.

Of a process's description it reads `join` (namespace kind to file under /proc) and `unshare` (kinds of new ones). A PID
namespace takes hold of children only, so the shim enters that one, and the user namespace above it, before it forks.
"""

from __future__ import annotations

import os
from typing import Any

from cloudk8s.node.runtimes.host.shim import syscalls

KINDS = {
    "user": syscalls.CLONE_NEWUSER,
    "mnt": syscalls.CLONE_NEWNS,
    "pid": syscalls.CLONE_NEWPID,
    "net": syscalls.CLONE_NEWNET,
    "ipc": syscalls.CLONE_NEWIPC,
    "uts": syscalls.CLONE_NEWUTS,
    "cgroup": syscalls.CLONE_NEWCGROUP,
}
_BEFORE_FORK = ("user", "pid")


def prepare(process: dict[str, Any]) -> None:
    """Enter, in the shim, the namespaces that only its children can live in."""
    _apply(process, _BEFORE_FORK)


def open_all(process: dict[str, Any]) -> None:
    """Open the files of what is joined, while that is allowed."""
    process["join"] = {kind: _opened(file) for kind, file in process.get("join", {}).items()}


def enter(process: dict[str, Any]) -> None:
    """Enter, in the child, all others."""
    _apply(process, tuple(kind for kind in KINDS if kind not in _BEFORE_FORK))


def differs(kind: str, pid: int) -> bool:
    """Whether a living process has another namespace of a kind than this one; one's own may not be joined."""
    try:
        theirs = os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return False
    return theirs != os.readlink(f"/proc/self/ns/{kind}")


def new_user_namespace() -> None:
    """Become root of a user namespace in which only the present user exists."""
    uid, gid = os.geteuid(), os.getegid()
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    _write_maps(f"0 {uid} 1", f"0 {gid} 1")


def write_maps(pid: int, first: int, length: int) -> None:
    """Say who the users and groups of a process's new user namespace are on the host."""
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/{pid}/{name}", "w", encoding="ascii") as file:
            file.write(f"0 {first} {length}")


def become_root() -> None:
    """Be user 0 of a user namespace that others have mapped, whoever this was outside."""
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def map_user(process: dict[str, Any], uid: int, gid: int) -> None:
    """Without privileges one user is all there is: show it under the ids that the container asked for."""
    if process.get("map_user") and (uid, gid) != (0, 0):
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        _write_maps(f"{uid} 0 1", f"{gid} 0 1")


def _apply(process: dict[str, Any], kinds: tuple[str, ...]) -> None:
    join: dict[str, str | int] = process.get("join", {})
    files = [(_opened(join[kind]), KINDS[kind]) for kind in kinds if kind in join]
    for fd, flag in files:
        syscalls.setns(fd, flag)
        os.close(fd)
    flags = sum(KINDS[kind] for kind in kinds if kind in process.get("unshare", ()))
    if flags:
        syscalls.unshare(flags)


def _opened(file: str | int) -> int:
    return file if isinstance(file, int) else os.open(file, os.O_RDONLY | os.O_CLOEXEC)


def _write_maps(users: str, groups: str) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", users), ("gid_map", groups)):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
