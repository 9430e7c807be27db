from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from cloudk8s.node.runtimes.host.cgroups import ROOT, Hierarchies, name_of_node, remove, remove_parents
from cloudk8s.node.runtimes.interface import Resources, RuntimeFailure


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A hierarchy of version 1, as far as a directory can be one."""
    for controller in ("cpu", "memory"):
        (tmp_path / controller).mkdir()
        (tmp_path / controller / "tasks").touch()
    return tmp_path


def test_groups_are_made_below_a_parent_of_our_own(root: Path) -> None:
    found = Hierarchies.find("vm", root=root)
    assert found.version == "v1"
    assert found.make("pod1") == (str(root / "cpu/cloudk8s/vm/pod1"), str(root / "memory/cloudk8s/vm/pod1"))
    assert (root / "memory/cloudk8s/vm/pod1").is_dir()


def test_a_parent_that_goes_meanwhile_is_made_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, mkdir = [], os.mkdir

    def removed_once(path: Path, mode: int = 0o777) -> None:
        mkdir(path, mode)
        made.append(str(path))
        if made.count(str(root / "cpu/cloudk8s")) == 1 and str(path) == str(root / "cpu/cloudk8s"):
            os.rmdir(path)

    monkeypatch.setattr(os, "mkdir", removed_once)
    assert Hierarchies.find("vm", root=root).roots == (root / "cpu/cloudk8s/vm", root / "memory/cloudk8s/vm")
    assert (root / "cpu/cloudk8s/vm").is_dir()
    assert made.count(str(root / "cpu/cloudk8s")) == 2


@pytest.mark.skipif(not os.access(ROOT / "cpuset" / "tasks", os.W_OK), reason="needs root and cgroups of version 1")
def test_a_parent_that_another_has_only_begun_to_make_is_finished(request: pytest.FixtureRequest) -> None:
    parent = f"cloudk8s-test-{os.getpid()}"
    begun = ROOT / "cpuset" / parent
    begun.mkdir()
    found = Hierarchies.find("vm", parent=parent)
    request.addfinalizer(lambda: [remove([str(each.parent)]) for each in found.roots])
    assert (begun / "vm" / "cpuset.cpus").read_text().strip()
    assert (begun / "vm" / "cpuset.mems").read_text().strip()


def test_all_pods_are_limited_together(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Hierarchies.find("vm", root=root)
    cpu, memory = found.roots
    for file in (cpu / "cpu.shares", cpu.parent / "cpu.shares", memory / "memory.limit_in_bytes"):
        file.write_text("9223372036854771712")
    write = Path.write_text

    def refusing(path: Path, text: str) -> int:
        if path.name == "memory.limit_in_bytes":
            raise OSError(errno.EBUSY, "Device or resource busy")
        return write(path, text)

    with monkeypatch.context() as busy:
        busy.setattr(Path, "write_text", refusing)
        with pytest.raises(RuntimeFailure, match="may have 67108864"):
            found.limit(Resources(cpu_shares=2048, memory_limit=64 << 20))
    found.limit(Resources(cpu_shares=2048, memory_limit=64 << 20))
    assert (memory / "memory.limit_in_bytes").read_text() == str(64 << 20)
    assert [(path / "cpu.shares").read_text() for path in (cpu, cpu.parent)] == ["2048", "2048"]


def test_groups_that_another_user_made_are_not_ours(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Hierarchies.find("vm", root=root).version == "v1"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert Hierarchies.find("vm", root=root) == Hierarchies("", ())


def test_nodes_of_one_name_in_two_clusters_have_groups_of_their_own() -> None:
    one, two = (name_of_node("vm", Path("/data") / cluster) for cluster in ("one", "two"))
    assert one != two
    assert one.startswith("vm-")


def test_the_parent_goes_with_the_last_node(root: Path) -> None:
    one, two = (Hierarchies.find(name, root=root) for name in ("vm-1", "vm-2"))
    for path in one.roots:
        path.rmdir()
    remove_parents(one.roots)
    assert (root / "memory/cloudk8s").is_dir()
    for path in two.roots:
        path.rmdir()
    remove_parents(two.roots)
    assert not (root / "memory/cloudk8s").exists()
