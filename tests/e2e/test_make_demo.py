"""`make demo`, command after command as the Makefile has them, by somebody without a cluster."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, cloudk8s, environment_in

pytestmark = [pytest.mark.slow]


def commands(target: str) -> list[list[str]]:
    """The words after the program, of each line of a target's recipe."""
    text = (ROOT / "Makefile").read_text()
    recipe = text.partition(f"\n{target}:")[2].partition("\n\n")[0].splitlines()[1:]
    found = [shlex.split(line.strip()) for line in recipe]
    assert all(words[0] == "$(BIN)/cloudk8s" for words in found)
    return [words[1:] for words in found]


def test_the_demo_makes_changes_and_deletes_a_cluster(tmp_path: Path) -> None:
    environment = environment_in(tmp_path)
    said = [cloudk8s(environment, *words) for words in commands("demo")]
    assert [words[:2] for words in commands("demo")] == [
        ["cluster", "create"], ["cluster", "plan"], ["cluster", "scale"], ["cluster", "describe"],
        ["cluster", "delete"], ["offline", "stop"],
    ]  # fmt: skip
    assert "nothing to do" in said[1]
    assert "5" in said[3]
    assert "nothing is left" in said[4]
