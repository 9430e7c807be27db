"""Control groups, version 1 and 2: a directory for each pod and container, limits as files. All of it blocks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cloudk8s.node.runtimes.interface import Resources, RuntimeFailure

ROOT = Path("/sys/fs/cgroup")
PARENT = "cloudk8s"
_V1 = ("cpu", "cpuacct", "cpuset", "memory", "pids", "hugetlb")
_V2 = ("cpu", "cpuset", "memory", "pids", "hugetlb")
_OF_CONTAINERS = ("memory.oom.group", "memory.swap.max")

Version = Literal["", "v1", "v2"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a group uses."""

    cpu_nanoseconds: int = 0
    memory_usage: int = 0
    memory_working_set: int = 0
    memory_rss: int = 0
    processes: int = 0


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """The mounted hierarchies: one root for version 2, one for each controller of version 1."""

    version: Version
    roots: tuple[Path, ...]

    @classmethod
    def find(cls, name: str, *, root: Path = ROOT, parent: str = PARENT) -> Hierarchies:
        """Those this process may make groups in, below a group of this name; version "" where it may not."""
        found = cls._v2(root) or cls._v1(root)
        if found is None:
            return cls("", ())
        version, parents = found
        try:
            own = tuple(each / parent / name for each in parents)
            for path in own:
                _make(path, version)
        except OSError:
            return cls("", ())
        if not all(os.access(path, os.W_OK) for path in own):
            return cls("", ())  # another user's
        if version == "v2" and "memory" not in _controllers(own[0]):
            return cls("", ())  # a group with processes, as a container's own is, hands nothing down
        return cls(version, own)

    def make(self, name: str) -> tuple[str, ...]:
        """Make a pod's group and return its directories."""
        paths = tuple(root / name for root in self.roots)
        for path in paths:
            _make(path, self.version)
        return tuple(map(str, paths))

    def limit(self, resources: Resources) -> None:
        """Limit everything in these groups together; RuntimeFailure where memory that is in use stands against it.

        What holds them has no more than they, but by its default it would have the CPU time of a single process.
        """
        paths = [str(path) for path in self.roots]
        limit(paths, resources, is_whole_pod=True)
        for path in self.roots:
            if path.parent.name == PARENT:
                self._weigh(path.parent, resources.cpu_shares)
        files = _Files(paths)
        now = files.number("memory.max") or files.number("memory.limit_in_bytes")
        if self.version and resources.memory_limit and not 0 < now <= resources.memory_limit:
            used = usage(paths).memory_usage
            raise RuntimeFailure(f"pods use {used} bytes of memory, and may have {resources.memory_limit}")

    def weigh(self, shares: Mapping[str, int]) -> None:
        """Write the CPU shares of the groups that pods are gathered in; those that are not there need none."""
        for root in self.roots:
            for name, amount in shares.items():
                self._weigh(root / name, amount)

    def _weigh(self, directory: Path, amount: int) -> None:
        file, value = ("cpu.weight", weight(amount)) if self.version == "v2" else ("cpu.shares", amount)
        if (directory / file).exists():
            with suppress(OSError):
                (directory / file).write_text(str(value))

    @staticmethod
    def _v2(root: Path) -> tuple[Version, list[Path]] | None:
        return ("v2", [root]) if "memory" in _controllers(root) else None

    @staticmethod
    def _v1(root: Path) -> tuple[Version, list[Path]] | None:
        found = [root / name for name in _V1 if (root / name / "tasks").exists()]
        return ("v1", found) if any(path.name == "memory" for path in found) else None


def directories_of(group: str, name: str, *, root: Path = ROOT) -> Sequence[str]:
    """The directories of a group that somebody else made; none where there is no such group."""
    if not name:
        return ()
    hierarchies = [root] if (root / "cgroup.controllers").exists() else [root / controller for controller in _V1]
    return [str(each / group / name) for each in hierarchies if (each / group / name).is_dir()]


def make_container_groups(parents: Sequence[str], name: str) -> tuple[str, ...]:
    """The directories of a container's group below its pod's."""
    paths = tuple(Path(parent) / name for parent in parents)
    for path in paths:
        path.mkdir(exist_ok=True)
        _inherit_cpuset(path)
    return tuple(map(str, paths))


def limit(directories: Iterable[str], resources: Resources, *, is_whole_pod: bool = False) -> None:
    """Write a group's limits; a file that the kernel does not have or does not accept now is left alone.

    Out of memory, a container ends as one; of a pod only the container that is worst does. Containers do not swap,
    as with upstream's default `NoSwap`: their limit of memory would not be one. A pod's memory in use is not taken
    away: version 1 refuses that, version 2 would kill.
    """
    for directory in map(Path, directories):
        is_v2 = (directory / "cgroup.controllers").exists()
        left_alone = _left_alone(directory, resources) if is_whole_pod else ()
        for name, value in (_v2_files(resources) if is_v2 else _v1_files(resources, directory)).items():
            if name in left_alone:
                continue
            with suppress(OSError):
                (directory / name).write_text(value)


def usage(directories: Iterable[str]) -> Usage:
    """What the processes of a group use."""
    files = _Files(directories)
    if text := files.read("cpu.stat"):
        fields = _fields(text)
        if "usage_usec" in fields:
            return _v2_usage(files, fields)
    memory, stat = files.number("memory.usage_in_bytes"), _fields(files.read("memory.stat"))
    return Usage(
        cpu_nanoseconds=files.number("cpuacct.usage"),
        memory_usage=memory,
        memory_working_set=max(0, memory - stat.get("total_inactive_file", 0)),
        memory_rss=stat.get("total_rss", 0),
        processes=files.number("pids.current"),
    )


def _left_alone(directory: Path, resources: Resources) -> Sequence[str]:
    """The files of a whole pod's group that are not written now."""
    is_in_use = 0 < resources.memory_limit < usage([str(directory)]).memory_working_set
    return (*_OF_CONTAINERS, "memory.max") if is_in_use else _OF_CONTAINERS


def name_of_node(node: str, state_directory: Path) -> str:
    """The name of a node's group: two clusters of one host may each have a node of that name."""
    return f"{node}-{hashlib.sha256(str(state_directory).encode()).hexdigest()[:8]}"


def remove_parents(roots: Iterable[Path]) -> None:
    """Remove the groups that hold those of nodes, where no other cluster has any."""
    for root in roots:
        with suppress(OSError):
            root.parent.rmdir()


def remove(directories: Iterable[str]) -> None:
    """Remove groups, innermost first; one that still has processes stays."""
    for directory in map(Path, directories):
        for path in sorted((each for each in directory.rglob("*") if each.is_dir()), reverse=True):
            with suppress(OSError):
                path.rmdir()
        with suppress(OSError):
            directory.rmdir()


def _make(path: Path, version: Version) -> None:
    """Make a group and those above it, which other clusters of this host make and remove, too."""
    for left in reversed(range(10)):
        try:
            path.mkdir(parents=True, exist_ok=True)
            for each in (*reversed(path.parents), path):
                _inherit_cpuset(each)  # also where another has made it and not got so far
            break
        except FileNotFoundError:  # the last group of another cluster has just gone, and its parent with it
            if not left:
                raise
    if version == "v2":
        for each in (*reversed(path.parents), path):
            _enable_controllers(each)


def _enable_controllers(path: Path) -> None:
    """Let groups below this one have limits, where this is a group."""
    available = _controllers(path)
    for name in _V2:
        if name in available:
            with suppress(OSError):
                (path / "cgroup.subtree_control").write_text(f"+{name}")


def _controllers(path: Path) -> Sequence[str]:
    """The controllers of a group of version 2; none where it is no such group."""
    file = path / "cgroup.controllers"
    return file.read_text().split() if file.exists() else ()


def _inherit_cpuset(path: Path) -> None:
    """A cpuset group of version 1 takes no process before it has CPUs and memory nodes."""
    if path.parts[4:5] != ("cpuset",):
        return
    for name in ("cpuset.cpus", "cpuset.mems"):
        file, above = path / name, path.parent / name
        if file.exists() and not file.read_text().strip():
            file.write_text(above.read_text())


def _v1_files(resources: Resources, directory: Path) -> Mapping[str, str]:
    files = {
        "cpu.shares": str(resources.cpu_shares or 2),
        "cpu.cfs_period_us": str(resources.cpu_period),
        "cpu.cfs_quota_us": str(resources.cpu_quota or -1),
        "memory.limit_in_bytes": str(resources.memory_limit or -1),
        "pids.max": str(resources.pids_limit or "max"),
        "cpuset.cpus": resources.cpuset,
        **{f"hugetlb.{size}.limit_in_bytes": str(amount) for size, amount in resources.huge_pages},
    }
    return {name: value for name, value in files.items() if value and (directory / name).exists()}


def _v2_files(resources: Resources) -> Mapping[str, str]:
    files = {
        "cpu.weight": str(weight(resources.cpu_shares)),
        "cpu.max": f"{resources.cpu_quota or 'max'} {resources.cpu_period}",
        "memory.max": str(resources.memory_limit or "max"),
        "memory.oom.group": "1",
        "memory.swap.max": "0",
        "pids.max": str(resources.pids_limit or "max"),
        "cpuset.cpus": resources.cpuset,
        **{f"hugetlb.{size}.max": str(amount) for size, amount in resources.huge_pages},
    }
    return {name: value for name, value in files.items() if value}


def weight(shares: int) -> int:
    """Version 1's shares (2 to 262144) as version 2's weight (1 to 10000), by KEP-2254's formula."""
    return 1 + (max(2, shares) - 2) * 9999 // 262142


def _v2_usage(files: _Files, cpu: Mapping[str, int]) -> Usage:
    memory, stat = files.number("memory.current"), _fields(files.read("memory.stat"))
    return Usage(
        cpu_nanoseconds=cpu["usage_usec"] * 1000,
        memory_usage=memory,
        memory_working_set=max(0, memory - stat.get("inactive_file", 0)),
        memory_rss=stat.get("anon", 0),
        processes=files.number("pids.current"),
    )


class _Files:
    """The files of a group, whichever hierarchy has them."""

    def __init__(self, directories: Iterable[str]) -> None:
        self._directories = list(directories)

    def read(self, name: str) -> str:
        for directory in self._directories:
            with suppress(OSError):
                return Path(directory, name).read_text()
        return ""

    def number(self, name: str) -> int:
        text = self.read(name).strip()
        return int(text) if text.isdigit() else 0


def _fields(text: str) -> dict[str, int]:
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
