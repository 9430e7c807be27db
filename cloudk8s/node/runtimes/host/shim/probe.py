"""Try what containers would be given here: each attempt in a process of its own, undone by its end."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from typing import Any

from cloudk8s.node.runtimes.host.shim import mapped, namespaces, netlink, syscalls, wire

_ALL_USERS = 0xFFFFFFFF
_FIRST_USER = 1 << 30
"""Nobody's, as far as it matters for an attempt."""


def run(request: dict[str, Any], connection: socket.socket) -> None:
    """Answer which attempts succeeded."""
    users = _known_users()
    is_inside = os.geteuid() == 0 and users < _ALL_USERS
    may_unshare = os.geteuid() == 0 and _succeeds(lambda: syscalls.unshare(syscalls.CLONE_NEWNS))
    needs_user_namespace = not may_unshare
    attempts: dict[str, Callable[[], None]] = {
        "mounts": lambda: _mounts(needs_user_namespace, in_user_namespace=needs_user_namespace or is_inside),
        "processes": lambda: _processes(needs_user_namespace),
    }
    attempts["recursive_readonly"] = lambda: _recursive_readonly(needs_user_namespace)
    answer = {name: _succeeds(attempt) for name, attempt in attempts.items()}
    answer["user_namespace"] = (needs_user_namespace or is_inside) and answer["mounts"] and answer["processes"]
    answer["is_inside"] = is_inside
    answer["network"] = not needs_user_namespace and _succeeds(_network)
    answer["users"] = not needs_user_namespace and users > 1
    answer["own_users"] = users == _ALL_USERS and _succeeds(_own_users)
    wire.send(connection, answer)


def _mounts(needs_user_namespace: bool, *, in_user_namespace: bool) -> None:
    """Mount what a root file system is made of."""
    if needs_user_namespace:
        namespaces.new_user_namespace()
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("", "/", flags=syscalls.MS_SLAVE | syscalls.MS_REC)
    directory = tempfile.mkdtemp()
    try:
        syscalls.mount("tmpfs", directory, "tmpfs")
        for name in ("lower", "upper", "work", "merged"):
            os.mkdir(f"{directory}/{name}")
        options = f"lowerdir={directory}/lower,upperdir={directory}/upper,workdir={directory}/work"
        options += ",userxattr" if in_user_namespace else ""
        syscalls.mount("overlay", f"{directory}/merged", "overlay", 0, options)
    finally:
        syscalls.unmount(directory)
        os.rmdir(directory)


def _processes(in_user_namespace: bool) -> None:
    if in_user_namespace:
        namespaces.new_user_namespace()
    syscalls.unshare(syscalls.CLONE_NEWPID | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS)
    if in_user_namespace:
        return
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _network() -> None:
    """Make a bridge and a pair of interfaces in a namespace that nobody sees."""
    syscalls.unshare(syscalls.CLONE_NEWNET)
    with netlink.open_socket() as route:
        netlink.set_up(route, "lo")
        netlink.add_bridge(route, "probe0")
        master = netlink.link_index(route, "probe0")
        netlink.add_veth(route, "probe1", peer="probe2", peer_pid=os.getpid(), master=master)


def _recursive_readonly(needs_user_namespace: bool) -> None:
    if needs_user_namespace:
        namespaces.new_user_namespace()
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("", "/", flags=syscalls.MS_SLAVE | syscalls.MS_REC)
    directory = tempfile.mkdtemp()
    try:
        syscalls.mount("tmpfs", directory, "tmpfs")
        syscalls.make_readonly(directory)
    finally:
        syscalls.unmount(directory)
        os.rmdir(directory)


def _own_users() -> None:
    """Map the owners of files here, where images are, and in memory to those of a user namespace."""
    namespace = mapped.new_namespace(_FIRST_USER)
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("", "/", flags=syscalls.MS_SLAVE | syscalls.MS_REC)
    os.close(mapped.map_tree(".", namespace))
    directory = tempfile.mkdtemp()
    try:
        syscalls.mount("tmpfs", directory, "tmpfs")
        os.close(mapped.map_tree(directory, namespace))
    finally:
        syscalls.unmount(directory)
        os.rmdir(directory)


def _known_users() -> int:
    """How many users there are in this user namespace."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return sum(int(line.split()[2]) for line in file)


def _succeeds(attempt: Callable[[], None]) -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            attempt()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
