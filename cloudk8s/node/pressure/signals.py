"""What the node has left, and below which mark it is under pressure."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cloudk8s.machinery.quantity import Format, Quantity


@dataclass(frozen=True, slots=True)
class Signal:
    """One resource: how much is available, of how much, and the mark."""

    resource: str
    condition: str
    available: int
    capacity: int
    threshold: int

    @property
    def is_low(self) -> bool:
        return self.available < self.threshold

    def words(self) -> str:
        """As an evicted pod's status tells it."""
        mark, left = (str(Quantity.of(number, Format.BINARY_SI)) for number in (self.threshold, self.available))
        return f"The node was low on resource: {self.resource}. Threshold quantity: {mark}, available: {left}. "


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Upstream's defaults for hard eviction, but a large disk counts as full only with less than 2 GiB left.

    Nodes here are often somebody's own machine, whose disk is used to being nine tenths full.
    """

    memory_bytes: int = 100 << 20
    disk_percent: int = 10
    disk_most_bytes: int = 2 << 30
    pids_percent: int = 5


def read(root: Path, thresholds: Thresholds) -> list[Signal]:
    """Look at memory, disk and process ids. Blocks for as long as /proc and the disk take."""
    memory = _meminfo()
    disk = shutil.disk_usage(root)
    disk_mark = min(disk.total * thresholds.disk_percent // 100, thresholds.disk_most_bytes)
    used, most = processes()
    return [
        Signal("memory", "MemoryPressure", memory["MemAvailable"], memory["MemTotal"], thresholds.memory_bytes),
        Signal("ephemeral-storage", "DiskPressure", disk.free, disk.total, disk_mark),
        Signal("pids", "PIDPressure", most - used, most, most * thresholds.pids_percent // 100),
    ]


def _meminfo() -> Mapping[str, int]:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name: int(value.split()[0]) * 1024 for name, _, value in pairs}


def processes() -> tuple[int, int]:
    """How many processes and threads there are, and how many there may be."""
    used = int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[2])
    most = min(int(Path("/proc/sys/kernel", name).read_text(encoding="ascii")) for name in ("pid_max", "threads-max"))
    return used, most
