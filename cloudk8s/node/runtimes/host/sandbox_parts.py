"""What a sandbox is made of on this host: the request to the spawner, files for its containers, shared memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cloudk8s.node.runtimes import resolv_conf
from cloudk8s.node.runtimes.host.addresses import Assigned
from cloudk8s.node.runtimes.host.isolation import Isolation
from cloudk8s.node.runtimes.host.records import SandboxRecord
from cloudk8s.node.runtimes.host.shim import syscalls
from cloudk8s.node.runtimes.interface import Mount, SandboxConfig

RELAYED = "CLOUDK8S_ROOTLESS"
"""Environment variable of agents whose network is carried by the cluster's process."""


def unshared(config: SandboxConfig, isolation: Isolation) -> list[str]:
    """The namespaces that the sandbox's holder makes."""
    if not isolation.processes:
        return []
    own = config.namespaces
    kinds = ["user"] if config.users or (isolation.user_namespace and not isolation.is_inside) else []
    kinds += ["net"] if own.network == "pod" and isolation.network else []
    kinds += ["uts"] if own.network == "pod" else []
    kinds += ["ipc"] if own.ipc == "pod" else []
    return kinds + (["pid"] if own.pid == "pod" else [])


def request(
    record: SandboxRecord, directory: Path, kinds: Sequence[str], *, network: dict[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """The request to the spawner."""
    users = record.config.users
    return {
        "kind": "sandbox",
        "directory": str(directory),
        "unshare": list(kinds),
        "hostname": record.config.hostname,
        "sysctls": dict(record.config.sysctls),
        "network": network,
        "users": None if users is None else {"first": users.first, "length": users.length},
    }


def network(assigned: Sequence[Assigned], *, bridge_index: int, host_interface: str, mtu: int = 0) -> dict[str, Any]:
    """The part of the request that gives the sandbox its interface."""
    addresses = [
        {"address": str(each.address), "prefix": each.prefix, "gateway": str(each.gateway)} for each in assigned
    ]
    parts = {"bridge_index": bridge_index, "host_interface": host_interface, "addresses": addresses, "mtu": mtu}
    return parts | ({"outer_loopback": True} if has_loopback_services() else {})


def has_loopback_services() -> bool:
    """Whether this is a host of a user namespace where Services have addresses of 127.0.0.0/8."""
    switch = Path("/proc/sys/net/ipv4/conf/all/route_localnet")
    return RELAYED in os.environ and switch.exists() and switch.read_text().strip() == "1"


def write_files(record: SandboxRecord, directory: Path) -> None:
    """Write what its containers see at /etc, and mount its shared memory. Blocks."""
    if record.config.dns is not None:
        (directory / "resolv.conf").write_text(resolv_conf.render(record.config.dns))
    (directory / "hostname").write_text(f"{record.config.hostname}\n")
    shared = directory / "shm"
    if record.config.namespaces.ipc == "pod" and os.geteuid() == 0 and not shared.is_mount():
        shared.mkdir(exist_ok=True)
        flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
        syscalls.mount("shm", str(shared), "tmpfs", flags, "mode=1777,size=64m")


def let_go(directory: Path) -> None:
    """Unmount its shared memory. Blocks."""
    shared = directory / "shm"
    if shared.is_mount():
        syscalls.unmount(str(shared))


def mounts(record: SandboxRecord, directory: Path) -> tuple[Mount, ...]:
    """What every container of the sandbox gets from the runtime itself."""
    found = []
    if record.config.dns is not None:
        found.append(Mount("/etc/resolv.conf", str(directory / "resolv.conf")))
    if record.config.hostname and record.config.namespaces.network == "pod":
        found.append(Mount("/etc/hostname", str(directory / "hostname")))
    return tuple(found)


def shared_memory(directory: Path) -> str:
    """The sandbox's shared memory; empty where each container has its own."""
    shared = directory / "shm"
    return str(shared) if shared.is_mount() else ""
