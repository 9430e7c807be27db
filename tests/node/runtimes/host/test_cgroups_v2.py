"""Groups of version 2: on a tree that behaves as the kernel's, and on the kernel's own as far as this host has it."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudk8s.node.runtimes.host import cgroups
from cloudk8s.node.runtimes.host.cgroups import Hierarchies, Usage
from cloudk8s.node.runtimes.interface import Resources, RuntimeFailure

CONTROLLERS = "cpuset cpu io memory hugetlb pids"
FILES = (
    "cpu.max", "cpu.weight", "memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpuset.cpus",
    "hugetlb.2MB.max",
)  # fmt: skip


class FakeTree:
    """A directory whose new directories have the files of the controllers that their parent hands down."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        (root / "cgroup.controllers").write_text(CONTROLLERS)
        (root / "cgroup.subtree_control").touch()
        self._mkdir, self._write_text = Path.mkdir, Path.write_text
        monkeypatch.setattr(Path, "mkdir", lambda path, *args, **named: self._make(path, *args, **named))
        monkeypatch.setattr(Path, "write_text", lambda path, text, *args, **named: self._write(path, text))

    def _make(self, path: Path, *args: object, **named: object) -> None:
        is_new = not path.exists()
        self._mkdir(path, *args, **named)  # type: ignore[arg-type]
        if is_new and self.root in path.parents:
            for name in ("cgroup.subtree_control", "cgroup.procs"):
                (path / name).touch()
            self._equip(path)

    def _equip(self, path: Path) -> None:
        """Give a group the files of what its parent hands down."""
        handed_down = (path.parent / "cgroup.subtree_control").read_text().split()
        self._write_text(path / "cgroup.controllers", " ".join(handed_down))
        for name in FILES:
            if name.split(".")[0] in handed_down:
                (path / name).touch()

    def _write(self, path: Path, text: str) -> int:
        if path.name == "cgroup.subtree_control":
            assert text.removeprefix("+") in (path.parent / "cgroup.controllers").read_text().split()
            self._write_text(path, f"{path.read_text()} {text.removeprefix('+')}".strip())
            for below in path.parent.iterdir():
                if below.is_dir():
                    self._equip(below)
            return len(text)
        if self.root in path.parents and not path.exists():
            raise FileNotFoundError(path)
        return self._write_text(path, text)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTree:
    return FakeTree(tmp_path, monkeypatch)


def test_controllers_are_handed_down_to_containers_and_their_limits_written(tree: FakeTree) -> None:
    found = Hierarchies.find("vm", root=tree.root)
    assert (found.version, found.roots) == ("v2", (tree.root / "cloudk8s" / "vm",))
    pod = found.make("burstable/pod1")
    (container,) = map(Path, cgroups.make_container_groups(pod, "c1"))

    wanted = Resources(
        cpu_shares=1024, cpu_quota=50_000, memory_limit=64 << 20, pids_limit=100, cpuset="0",
        huge_pages=(("2MB", 4 << 20),),
    )  # fmt: skip
    cgroups.limit([str(container)], wanted)
    cgroups.limit(pod, Resources(memory_limit=128 << 20), is_whole_pod=True)

    assert {name: (container / name).read_text() for name in FILES} == {
        "cpu.max": "50000 100000", "cpu.weight": "39", "memory.max": f"{64 << 20}", "memory.swap.max": "0",
        "memory.oom.group": "1", "pids.max": "100", "cpuset.cpus": "0", "hugetlb.2MB.max": f"{4 << 20}",
    }  # fmt: skip
    of_the_pod = [(Path(pod[0]) / f"memory.{name}").read_text() for name in ("max", "oom.group", "swap.max")]
    assert of_the_pod == [f"{128 << 20}", "", ""]
    found.weigh({"burstable": 2048, "besteffort": 2})
    assert (tree.root / "cloudk8s/vm/burstable/cpu.weight").read_text() == "79"


def test_memory_that_a_pod_uses_is_not_taken_away(tree: FakeTree) -> None:
    """The kernel would kill, where version 1 refuses."""
    (pod,) = Hierarchies.find("vm", root=tree.root).make("pod1")
    cgroups.limit([pod], Resources(memory_limit=64 << 20), is_whole_pod=True)
    (Path(pod) / "memory.current").touch()
    (Path(pod) / "cpu.stat").touch()
    (Path(pod) / "cpu.stat").write_text("usage_usec 1\n")

    for used, in_force in ((40, 64), (10, 20)):
        (Path(pod) / "memory.current").write_text(str(used << 20))
        cgroups.limit([pod], Resources(memory_limit=20 << 20, pids_limit=used), is_whole_pod=True)
        assert (Path(pod) / "memory.max").read_text() == str(in_force << 20)
        assert (Path(pod) / "pids.max").read_text() == str(used)


def test_all_pods_are_limited_together(tree: FakeTree) -> None:
    found = Hierarchies.find("vm", root=tree.root)
    found.limit(Resources(cpu_shares=4096, memory_limit=8 << 30, pids_limit=1000, huge_pages=(("2MB", 4 << 20),)))
    (group,) = found.roots
    assert {name: (group / name).read_text() for name in FILES} == {
        "cpu.max": "max 100000", "cpu.weight": "157", "memory.max": f"{8 << 30}", "memory.swap.max": "",
        "memory.oom.group": "", "pids.max": "1000", "cpuset.cpus": "", "hugetlb.2MB.max": f"{4 << 20}",
    }  # fmt: skip
    assert [(group.parent / name).read_text() for name in ("cpu.weight", "memory.max")] == ["157", ""]


def test_pods_that_use_more_than_all_may_keep_it_for_now(tree: FakeTree) -> None:
    found = Hierarchies.find("kubepods", root=tree.root, parent="")
    (group,) = found.roots
    assert group == tree.root / "kubepods"
    for name, text in (("memory.current", f"{80 << 20}"), ("cpu.stat", "usage_usec 1\n")):
        (group / name).touch()
        (group / name).write_text(text)
    with pytest.raises(RuntimeFailure, match=f"use {80 << 20} bytes of memory, and may have {64 << 20}"):
        found.limit(Resources(memory_limit=64 << 20, pids_limit=7))
    assert [(group / name).read_text() for name in ("memory.max", "pids.max")] == ["", "7"]
    (group / "memory.current").write_text(f"{8 << 20}")
    found.limit(Resources(memory_limit=64 << 20, pids_limit=7))
    assert (group / "memory.max").read_text() == str(64 << 20)


def test_no_limit_is_a_word(tree: FakeTree) -> None:
    (pod,) = Hierarchies.find("vm", root=tree.root).make("pod1")
    cgroups.limit([pod], Resources())
    assert [(Path(pod) / name).read_text() for name in ("cpu.max", "memory.max", "pids.max")] == [
        "max 100000", "max", "max",
    ]  # fmt: skip


def test_use_is_read(tree: FakeTree) -> None:
    (pod,) = Hierarchies.find("vm", root=tree.root).make("pod1")
    for name, text in (
        ("cpu.stat", "usage_usec 1500\nuser_usec 1000\n"), ("memory.current", "5000\n"), ("pids.current", "3\n"),
        ("memory.stat", "anon 1000\nfile 3000\ninactive_file 2000\n"),
    ):  # fmt: skip
        (Path(pod) / name).touch()
        (Path(pod) / name).write_text(text)
    assert cgroups.usage([pod]) == Usage(1_500_000, 5000, 3000, 1000, 3)


@pytest.mark.parametrize(("shares", "weight"), [(2, 1), (1024, 39), (262_144, 10_000), (0, 1)])
def test_shares_become_weights(shares: int, weight: int) -> None:
    assert cgroups.weight(shares) == weight


def test_without_the_memory_controller_there_are_no_limits(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("hugetlb")
    assert Hierarchies.find("vm", root=tmp_path).version == ""


def test_a_group_that_hands_nothing_down_limits_nothing(tree: FakeTree, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is in a container whose own group has processes: the kernel answers EBUSY."""
    write = Path.write_text

    def refusing(path: Path, text: str) -> int:
        if path.name == "cgroup.subtree_control":
            raise OSError(errno.EBUSY, "Device or resource busy")
        return write(path, text)

    monkeypatch.setattr(Path, "write_text", refusing)
    assert Hierarchies.find("vm", root=tree.root) == Hierarchies("", ())


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """The kernel's own tree, with the controllers that nobody uses in version 1."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    done = subprocess.run(
        ["mount", "-t", "cgroup2", "none", str(tmp_path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"the kernel has no cgroup2: {done.stderr}")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=False)


def test_the_kernel_takes_groups_limits_and_processes(mounted: Path) -> None:
    found = Hierarchies("v2", (mounted / f"cloudk8s-test-{os.getpid()}",))
    (pod,) = found.make("burstable/pod1")
    try:
        (container,) = cgroups.make_container_groups([pod], "c1")
        available = (Path(container) / "cgroup.controllers").read_text().split()
        at_the_root = set((mounted / "cgroup.controllers").read_text().split())
        assert set(available) == at_the_root & {"cpu", "cpuset", "memory", "hugetlb", "pids"}
        cgroups.limit([container], Resources(huge_pages=(("2MB", 4 << 20),), memory_limit=64 << 20, pids_limit=10))
        limits = {"hugetlb.2MB.max": f"{4 << 20}", "memory.max": f"{64 << 20}", "pids.max": "10"}
        for name, text in limits.items():
            if name.split(".")[0] in available:
                assert (Path(container) / name).read_text().strip() == text
        script = f"echo $$ > {container}/cgroup.procs; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"
        subprocess.run(["sh", "-c", script], check=True)
        assert cgroups.usage([container]).cpu_nanoseconds > 1_000_000
    finally:
        cgroups.remove(map(str, found.roots))
    assert not found.roots[0].exists()
