from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cloudk8s.network.rootless.host import subordinate_ids


@pytest.fixture
def has_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path="": f"/usr/bin/{name}")


@pytest.mark.usefixtures("has_programs")
def test_ids_are_those_of_this_user(tmp_path: Path):
    users, groups = tmp_path / "subuid", tmp_path / "subgid"
    users.write_text(f"somebody-else:100000:65536\n{os.geteuid()}:165536:65536\n")
    groups.write_text("somebody-else:100000:65536\n")
    assert subordinate_ids(users, groups) == ["165536:65536", ""]
    assert subordinate_ids(tmp_path / "none", groups) == ["", ""]


def test_without_the_programs_there_are_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name, path="": None)
    assert subordinate_ids() == ["", ""]
