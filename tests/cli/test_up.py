"""`cloudk8s up`: what cannot be is said before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.cli.app import run


def test_a_cri_runtime_serves_one_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert run(["up", "--runtime", "cri", "--nodes", "2", "--detach"]) == 2
    assert "serves one node" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
