"""What the node's containers use now, with rates from one look to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cloudk8s.machinery.clock import Clock
from cloudk8s.node.runtimes.interface import ContainerStats, NetworkStats, Runtime

_MAX_AGE = 120.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One container's use, with its rate of CPU in billionths of a core; None while unknown."""

    stats: ContainerStats
    nano_cores: int | None


@dataclass(frozen=True, slots=True)
class NodeUsage:
    """The machine as a whole."""

    time: datetime
    cpu_nanoseconds: int
    memory_working_set: int
    memory_available: int
    nano_cores: int | None


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
        cpu, memory = _cpu_nanoseconds(), _meminfo()
        available = memory.get("MemAvailable", 0)
        used = memory.get("MemTotal", 0) - available
        return NodeUsage(now, cpu, used, available, self._rate("", now, cpu))

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


def _meminfo() -> dict[str, int]:
    found = {}
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        found[name] = int(value.split()[0]) * 1024
    return found
