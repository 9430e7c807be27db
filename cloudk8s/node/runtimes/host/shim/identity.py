"""Become the user that a container runs as, with the groups and capabilities it is due."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from cloudk8s.node.runtimes.host.shim import syscalls

LAST_CAPABILITY = 40


@dataclass(frozen=True)
class User:
    """Who a process runs as, with the home directory that /etc/passwd gives."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def look_up(wanted: dict[str, Any], root: str = "/") -> User:
    """Resolve `user[:group]`, numbers or names, by the container's own /etc/passwd and /etc/group."""
    user, _, group = str(wanted.get("user") or "0").partition(":")
    entry = _passwd(user, root)
    if entry is None and not user.isdigit():
        raise LookupError(f"unable to find user {user}: no matching entries in passwd file")
    name, uid, gid, home = entry or ("", int(user), 0, "/")
    if wanted.get("group") is not None:
        gid = int(wanted["group"])
    elif group:
        gid = _group(group, root)
    named = () if wanted.get("strict_groups") or not name else _memberships(name, root)
    extra = (int(extra) for extra in wanted.get("supplemental_groups", ()))
    return User(uid, gid, tuple(dict.fromkeys((gid, *named, *extra))), home or "/")


def become(user: User, capabilities: dict[str, Any] | None, *, no_new_privileges: bool) -> None:
    """Change to a user for good; without `capabilities` (no privileges to give) only what is possible changes."""
    if capabilities is not None:
        _limit_bounding_set(int(capabilities["bounding"]))
    if os.geteuid() == 0:
        _change_ids(user)
    if capabilities is not None:
        _set_capabilities(user.uid, int(capabilities["bounding"]))
    if no_new_privileges:
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)


def _change_ids(user: User) -> None:
    syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 1)
    if _may_set_groups():
        os.setgroups(list(user.groups))
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)
    syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 0)


def _may_set_groups() -> bool:
    try:
        with open("/proc/self/setgroups", encoding="ascii") as file:
            return file.read().strip() != "deny"
    except OSError:
        return True


def _limit_bounding_set(mask: int) -> None:
    for capability in range(LAST_CAPABILITY + 1):
        if not mask >> capability & 1:
            try:
                syscalls.prctl(syscalls.PR_CAPBSET_DROP, capability)
            except OSError:
                continue  # a capability this kernel does not know


def _set_capabilities(uid: int, mask: int) -> None:
    """Root keeps what it is given; another user's sets are empty, as after execve."""
    effective = mask & _own_capabilities() if uid == 0 else 0
    syscalls.set_capabilities(effective, effective, 0)


def _own_capabilities() -> int:
    """What this process has to give: the node itself may run with less than everything."""
    with open("/proc/self/status", encoding="utf-8", errors="replace") as file:
        return next(int(line.split()[1], 16) for line in file if line.startswith("CapPrm:"))


def _passwd(user: str, root: str) -> tuple[str, int, int, str] | None:
    for fields in _rows(root, "passwd", 7):
        if user in (fields[0], fields[2]):
            return fields[0], int(fields[2]), int(fields[3]), fields[5]
    return None


def _group(group: str, root: str) -> int:
    if group.isdigit():
        return int(group)
    for fields in _rows(root, "group", 3):
        if fields[0] == group:
            return int(fields[2])
    raise LookupError(f"unable to find group {group}: no matching entries in group file")


def _memberships(name: str, root: str) -> tuple[int, ...]:
    return tuple(int(fields[2]) for fields in _rows(root, "group", 4) if name in fields[3].split(","))


def _rows(root: str, name: str, width: int) -> list[list[str]]:
    try:
        with open(os.path.join(root, "etc", name), encoding="utf-8", errors="replace") as file:
            rows = [line.strip().split(":") for line in file]
    except OSError:
        return []
    return [row for row in rows if len(row) >= width and row[2].isdigit()]
