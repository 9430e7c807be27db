"""What this machine has: CPUs, memory, disk, names and versions. Blocks for as long as /proc takes."""

from __future__ import annotations

import os
import platform
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cloudk8s.machinery import quantity
from cloudk8s.machinery.quantity import Format, Quantity
from cloudk8s.node.machine import huge_pages

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts of a machine."""

    cpus: int
    memory_bytes: int
    disk_bytes: int
    architecture: str
    kernel: str
    os_image: str
    machine_id: str
    boot_id: str
    hostname: str
    huge_pages: Mapping[int, int] = field(default_factory=dict)
    """Bytes set apart, by page size."""


def look(root: Path) -> Machine:
    """Read the facts; `root` tells which file system counts."""
    existing = next(path for path in (root, *root.parents) if path.exists())
    return Machine(
        cpus=len(os.sched_getaffinity(0)),
        memory_bytes=_memory(),
        disk_bytes=shutil.disk_usage(existing).total,
        architecture=_ARCHITECTURES.get(platform.machine(), platform.machine()),
        kernel=platform.release(),
        os_image=_os_release().get("PRETTY_NAME", platform.system()),
        machine_id=_read("/etc/machine-id"),
        boot_id=_read("/proc/sys/kernel/random/boot_id"),
        hostname=socket.gethostname(),
        huge_pages=huge_pages.find_huge_pages(),
    )


def capacity(machine: Machine, *, max_pods: int) -> dict[str, str]:
    """`status.capacity`."""
    return {
        "cpu": str(machine.cpus),
        "ephemeral-storage": f"{machine.disk_bytes // 1024}Ki",
        **huge_pages.as_resources(machine.huge_pages),
        "memory": f"{machine.memory_bytes // 1024}Ki",
        "pods": str(max_pods),
    }


def allocatable(whole: Mapping[str, str], reserved: Mapping[str, str]) -> dict[str, str]:
    """`status.allocatable`: the capacity without what is kept for the host and for eviction to have room."""
    left = unreserved(whole, reserved)
    eviction = Quantity.of(100 * 1024 * 1024, Format.BINARY_SI)
    apart = [amount for name, amount in left.items() if name.startswith(huge_pages.PREFIX)]
    for amount in (eviction, *apart):
        left["memory"] = max(left["memory"] - amount, Quantity(0, Format.BINARY_SI))
    disk = left["ephemeral-storage"].value
    shown = {name: str(amount) for name, amount in left.items()}
    return shown | {"ephemeral-storage": str(disk * 9 // 10)}


def unreserved(whole: Mapping[str, str], reserved: Mapping[str, str]) -> dict[str, Quantity]:
    """What is not kept for the host."""
    left = {name: quantity.parse(value) for name, value in whole.items()}
    for name in left.keys() & reserved.keys():
        left[name] = max(left[name] - quantity.parse(reserved[name]), Quantity(0, left[name].format))
    return left


def _memory() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def has_apparmor() -> bool:
    """Whether the kernel enforces AppArmor profiles."""
    try:
        return Path("/sys/module/apparmor/parameters/enabled").read_text().strip() == "Y"
    except OSError:
        return False
