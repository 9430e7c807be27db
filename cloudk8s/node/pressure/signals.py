"""What the node has left, compared with the marks below which it is under pressure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cloudk8s.machinery.quantity import Format, Quantity
from cloudk8s.node.machine.filesystems import filesystem_of
from cloudk8s.node.pressure.thresholds import DEFAULTS, SIGNALS, Threshold


@dataclass(frozen=True, slots=True)
class Signal:
    """One resource: how much is available, of how much, and the mark."""

    resource: str
    condition: str
    available: int
    capacity: int
    threshold: int
    grace: timedelta | None = None
    """How long it may stay below the mark; None is not at all."""

    @property
    def is_low(self) -> bool:
        return self.available < self.threshold

    def words(self) -> str:
        """As an evicted pod's status tells it."""
        mark, left = (str(Quantity.of(number, Format.BINARY_SI)) for number in (self.threshold, self.available))
        return f"The node was low on resource: {self.resource}. Threshold quantity: {mark}, available: {left}. "


def read(root: Path, thresholds: Sequence[Threshold] = DEFAULTS, *, images: Path | None = None) -> list[Signal]:
    """Look at memory, disks and process ids; `images` is on a disk of its own. Blocks for as long as they take."""
    seen = _look(root, images)
    return [
        Signal(*SIGNALS[each.signal], *seen[each.signal], each.mark(seen[each.signal][1]), each.grace)
        for each in sorted(thresholds, key=lambda each: list(SIGNALS).index(each.signal))
        if each.signal in seen
    ]


def _look(root: Path, images: Path | None) -> Mapping[str, tuple[int, int]]:
    """What is left, and what there is in all, by signal."""
    memory = _meminfo()
    used, most = processes()
    found = {
        "memory.available": (memory["MemAvailable"], memory["MemTotal"]),
        "pid.available": (most - used, most),
        **_disk("nodefs", root),
    }
    return found if images is None else {**found, **_disk("imagefs", images)}


def _disk(name: str, path: Path) -> Mapping[str, tuple[int, int]]:
    disk = filesystem_of(path)
    found = {f"{name}.available": (disk.available_bytes, disk.capacity_bytes)}
    return {**found, f"{name}.inodesFree": (disk.inodes_free, disk.inodes)} if disk.inodes else found


def _meminfo() -> Mapping[str, int]:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name: int(value.split()[0]) * 1024 for name, _, value in pairs}


def processes() -> tuple[int, int]:
    """How many processes and threads there are, and how many there may be."""
    used = int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[2])
    most = min(int(Path("/proc/sys/kernel", name).read_text(encoding="ascii")) for name in ("pid_max", "threads-max"))
    return used, most
