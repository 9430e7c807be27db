"""What the node's containers use now, with rates from one look to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cloudk8s.machinery.clock import Clock
from cloudk8s.node.pressure import signals
from cloudk8s.node.runtimes.interface import ContainerStats, NetworkStats, Runtime

_MAX_AGE = 120.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One container's use, with its rate of CPU in billionths of a core; None while unknown."""

    stats: ContainerStats
    nano_cores: int | None
    memory_limit: int = 0
    """Zero where there is none."""


@dataclass(frozen=True, slots=True)
class NodeMemory:
    """Memory of the machine."""

    working_set: int
    available: int
    usage: int = 0
    rss: int = 0
    page_faults: int = 0
    major_page_faults: int = 0
    swap_usage: int = 0
    swap_available: int = 0


@dataclass(frozen=True, slots=True)
class NodeUsage:
    """The machine as a whole."""

    time: datetime
    cpu_nanoseconds: int
    memory: NodeMemory
    nano_cores: int | None
    processes: int = 0
    process_limit: int = 0
    networks: Sequence[NetworkStats] = ()
    """The one with the default route first."""


class UsageReader:
    """Looks when asked; nothing runs in between."""

    def __init__(self, runtime: Runtime, *, clock: Clock) -> None:
        self._runtime, self._clock = runtime, clock
        self._before: dict[str, tuple[datetime, int]] = {}

    async def containers(self) -> list[Sample]:
        """All running containers."""
        found = await self._runtime.container_stats()
        samples = [Sample(stats, self._rate(stats.id, stats.time, stats.cpu_nanoseconds)) for stats in found]
        kept = {stats.id for stats in found} | {""}
        self._before = {key: value for key, value in self._before.items() if key in kept}
        return samples

    async def networks(self) -> Mapping[str, list[NetworkStats]]:
        """Interfaces by sandbox id."""
        return {key: list(value) for key, value in (await self._runtime.network_stats()).items()}

    def node(self) -> NodeUsage:
        """The machine. Blocks for as long as /proc takes."""
        now = self._clock.now()
        cpu = _cpu_nanoseconds()
        used, most = signals.processes()
        return NodeUsage(now, cpu, _memory(), self._rate("", now, cpu), used, most, _networks())

    def _rate(self, key: str, time: datetime, cpu: int) -> int | None:
        before = self._before.get(key)
        passed = (time - before[0]).total_seconds() if before else 0.0
        if before is None or passed >= 1.0:
            self._before[key] = (time, cpu)
        if before is None or not 0.05 < passed < _MAX_AGE:
            return None
        return max(0, round((cpu - before[1]) / passed))


def _cpu_nanoseconds() -> int:
    """Busy time of all CPUs: everything but idle and waiting for disks."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    ticks = [int(field) for field in fields[:8]]
    return (sum(ticks) - ticks[3] - ticks[4]) * 10_000_000


def _memory() -> NodeMemory:
    info, events = _numbers("/proc/meminfo", 1024), _numbers("/proc/vmstat", 1)
    total, available = info.get("MemTotal", 0), info.get("MemAvailable", 0)
    return NodeMemory(
        working_set=total - available,
        available=available,
        usage=total - info.get("MemFree", 0),
        rss=info.get("AnonPages", 0),
        page_faults=events.get("pgfault", 0),
        major_page_faults=events.get("pgmajfault", 0),
        swap_usage=info.get("SwapTotal", 0) - info.get("SwapFree", 0),
        swap_available=info.get("SwapFree", 0),
    )


def _numbers(path: str, unit: int) -> Mapping[str, int]:
    """Lines of a name and a number; those in `kB` are told in bytes by `unit`."""
    lines = (line.split() for line in Path(path).read_text(encoding="ascii").splitlines())
    return {words[0].rstrip(":"): int(words[1]) * unit for words in lines if len(words) > 1}


def _networks() -> Sequence[NetworkStats]:
    """Interfaces that lead outside."""
    first = _default_interface()
    found = []
    for line in Path("/proc/net/dev").read_text(encoding="ascii").splitlines()[2:]:
        name, _, rest = line.partition(":")
        counts, name = rest.split(), name.strip()
        if name == "lo" or name.startswith("veth"):
            continue
        received, received_errors, sent, sent_errors = (int(counts[place]) for place in (0, 2, 8, 10))
        found.append(NetworkStats(name, received, sent, received_errors, sent_errors))
    return sorted(found, key=lambda network: (network.interface != first, network.interface))


def _default_interface() -> str:
    for line in Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]:
        name, destination, *_ = line.split()
        if destination == "00000000":
            return name
    return ""
