from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudk8s.node.runtimes.host.cgroups import Hierarchies


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


def test_groups_that_another_user_made_are_not_ours(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Hierarchies.find("vm", root=root).version == "v1"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert Hierarchies.find("vm", root=root) == Hierarchies("", ())
