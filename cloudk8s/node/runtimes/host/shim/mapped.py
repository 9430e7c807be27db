"""Put a container into the user namespace of its pod, where its users are others than the host's.

Of a process's description it reads `users`: `namespace`, a file under /proc, and `first`, the host's id of user 0. What
only the host's root may do comes first: the root file system and the volumes are prepared with owners as the pod sees
them, as mounts that are attached nowhere. Then the process becomes the pod's root, and its child goes on with these.
"""

from __future__ import annotations

import json
import os
import socket
import stat
from typing import Any

from cloudk8s.node.runtimes.host.shim import mounts, namespaces, root, syscalls


def enter(process: dict[str, Any], report: int, above: socket.socket) -> None:
    """Return in a child that is root of the pod's user namespace; this process tells its pid and ends."""
    users: dict[str, Any] = process["users"]
    namespace = os.open(users["namespace"], os.O_RDONLY | os.O_CLOEXEC)
    if new_root := process.get("root"):
        _prepare(new_root, namespace, first=int(users["first"]))
    namespaces.open_all(process)
    _give_pipes(int(users["first"]))
    syscalls.setns(namespace, syscalls.CLONE_NEWUSER)
    os.close(namespace)
    namespaces.become_root()
    namespaces.prepare(process)
    if pid := os.fork():
        os.write(report, json.dumps({"pid": pid}).encode() + b"\n")
        os._exit(0)
    os.setsid()
    above.recv(1)  # when the parent is gone for good the shim is the one to die with


def new_namespace(first: int, length: int = 65_536) -> int:
    """A user namespace with these users of the host, as a descriptor; nobody lives in it."""
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    done, end = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        os.write(theirs, b"u")
        os.close(end)
        os.read(done, 1)
        os._exit(0)
    os.close(theirs)
    try:
        os.read(ours, 1)
        namespaces.write_maps(pid, first, length)
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        for fd in (ours, done, end):
            os.close(fd)
        os.waitpid(pid, 0)


def map_tree(path: str, namespace: int) -> int:
    """A copy of what is mounted at a path with mapped owners; below it only where all file systems can do that."""
    tree = syscalls.open_tree(path)
    try:
        syscalls.map_users(tree, namespace, recursive=True)
    except OSError:
        try:
            syscalls.map_users(tree, namespace, recursive=False)
        except OSError as error:
            os.close(tree)
            raise OSError(error.errno, f"failed to map the owners of files: {error.strerror}", path) from error
    return tree


def _prepare(new_root: dict[str, Any], namespace: int, *, first: int) -> None:
    """Turn each source of the description into a descriptor of a mount, and stand in the place of the new root."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("", "/", flags=syscalls.MS_SLAVE | syscalls.MS_REC)
    merged: str = new_root["merged"]
    if new_root["kind"] == "overlay":
        _map_layers(new_root, namespace, first)
    root.lay_ground(new_root, merged, owner=first)
    for mount in new_root.get("mounts", ()):
        is_image = "lower" in mount
        if is_image:
            mount["lower"] = _stage(mount["lower"], mount["stage"], namespace)
        source = mounts.source_of(mount)
        mount["tree"] = syscalls.open_tree(source) if is_image else map_tree(source, namespace)
        mount["is_directory"] = os.path.isdir(source)
    if new_root.get("shm"):
        new_root["shm_tree"] = map_tree(new_root["shm"], namespace)
    new_root["tree"] = syscalls.open_tree(merged)
    os.chdir(merged)


def _map_layers(new_root: dict[str, Any], namespace: int, first: int) -> None:
    """The image's layers with mapped owners; what is written belongs to the pod's users without."""
    layers: str = new_root["layers"]
    lower = [os.path.join(layers, name) for name in new_root["lower"]]
    staged = _stage(lower, os.path.join(os.path.dirname(new_root["upper"]), "layers"), namespace)
    new_root |= {"layers": os.path.dirname(staged[0]) if staged else "/", "lower": list(map(os.path.basename, staged))}
    os.chown(new_root["upper"], first, first)


def _stage(layers: list[str], directory: str, namespace: int) -> list[str]:
    """Mount directories side by side, with mapped owners, where this process alone sees them."""
    os.makedirs(directory, exist_ok=True)
    if not os.path.ismount(directory):
        syscalls.mount("layers", directory, "tmpfs", 0, "mode=755,size=64k")
    staged = []
    for layer in layers:
        place = os.path.join(directory, str(len(os.listdir(directory))))
        os.mkdir(place)
        tree = map_tree(layer, namespace)
        syscalls.move_mount(tree, place)
        os.close(tree)
        staged.append(place)
    return staged


def _give_pipes(owner: int) -> None:
    """Let the pod's root open /dev/stdout again, and give it to another of the pod's users."""
    for fd in range(3):
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            os.fchown(fd, owner, owner)
