"""Every example runs as it stands, and so does every command of the README."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, environment_in

pytestmark = pytest.mark.kubectl
SCRIPTS = sorted((ROOT / "examples").glob("*/run"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home of the test's own, with `cloudk8s` in the path."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    command = tmp_path / "bin" / "cloudk8s"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m cloudk8s "$@"\n')
    command.chmod(0o755)
    environment = environment_in(tmp_path)
    return environment | {"PATH": f"{command.parent}{os.pathsep}{environment['PATH']}"}


def shell(script: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True, text=True, timeout=240, env=environment, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_there_are_examples() -> None:
    assert len(SCRIPTS) >= 3


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.parent.name))
def test_an_example_runs(script: Path, environment: dict[str, str]) -> None:
    shell(str(script), environment)


def test_the_commands_of_the_readme_run(environment: dict[str, str]) -> None:
    """One after the other, as a reader would type them; `make` and `pip` are what brought the reader here."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    commands = [line[2:].split("  #")[0].strip() for block in blocks for line in block.splitlines() if line[:2] == "$ "]
    ours = [command for command in commands if not command.startswith(("make ", "pip "))]
    assert any(command.startswith("kubectl") for command in ours)
    start = "cloudk8s up --detach\ntrap 'cloudk8s down --purge; cloudk8s offline stop' EXIT\n"
    shell("set -x\n" + start + "\n".join(ours), environment)
