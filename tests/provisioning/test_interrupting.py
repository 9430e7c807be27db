"""Commands that are stopped by Ctrl-C at any moment, as processes that get a real SIGINT, and go on when run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.provisioning.offline import process

CREATE = ("create", "demo", "--provider", "aws", "--offline", "--workers", "3")
DELETE = ("delete", "demo", "--yes")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    yield tmp_path
    process.stop()


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cloudk8s", "cluster", *words, "-o", "json"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def run(*words: str) -> Any:
    """To its end; returns the result."""
    command = start(*words)
    out, err = command.communicate(timeout=120)
    assert command.returncode == 0, err
    assert "Traceback" not in err
    return json.loads(out)


def interrupted(words: tuple[str, ...], after: int) -> bool:
    """Run it, and press Ctrl-C once it has told of so many things; False where it was done before."""
    command = start(*words)
    assert command.stderr is not None
    seen = ""
    for _ in range(after):
        seen += command.stderr.readline()
    command.send_signal(signal.SIGINT)
    _, rest = command.communicate(timeout=120)
    assert "Traceback" not in seen + rest
    if command.returncode == 0:
        return False
    assert command.returncode == 130
    (stopped,) = [event for event in events(seen + rest) if event["event"] == "stopped"]
    assert stopped["detail"] == "nothing is lost: run the command again to go on"
    return True


def killed(words: tuple[str, ...], after: int) -> bool:
    """Run it, and end it once it has told of so many things; False where it was done before."""
    command = start(*words)
    assert command.stderr is not None
    for _ in range(after):
        command.stderr.readline()
    command.kill()
    command.communicate(timeout=60)
    assert command.returncode in (0, -signal.SIGKILL)
    return command.returncode != 0


@pytest.mark.timeout(300)
def test_create_and_delete_go_on_after_ctrl_c(home: Path) -> None:
    run("list", "--provider", "aws", "--offline")
    stopped = [interrupted(CREATE, after) for after in (1, 12)]
    assert any(stopped)
    made = run(*CREATE)
    assert [group["available"] for group in made["groups"]] == [1, 3]
    assert len(made["machines"]) == 4
    assert len({(entry["type"], entry["key"]) for entry in made["resources"]}) == len(made["resources"])
    stopped = [interrupted(DELETE, after) for after in (3,)]
    assert any(stopped)
    assert run(*DELETE)["phase"] == "Absent"
    assert run("list", "--provider", "aws", "--offline") == []


@pytest.mark.timeout(120)
def test_killed_processes_leave_nothing_that_the_next_does_not_mend(home: Path) -> None:
    """By SIGKILL, after which nobody can tidy up."""
    simulated = ("create", "demo", "--provider", "simulated", "--workers", "3")
    assert killed(simulated, after=2)
    killed(simulated, after=9)
    killed(DELETE, after=1)
    assert run(*simulated)["phase"] == "Provisioned"
    machines = [machine["name"] for machine in run("describe", "demo")["machines"]]
    assert len(machines) == len(set(machines)) == 4
    assert run(*DELETE)["phase"] == "Absent"
    assert run("list", "--provider", "simulated") == []


@pytest.mark.timeout(120)
def test_programs_read_one_result_and_an_object_for_each_event(home: Path) -> None:
    command = start("create", "demo", "--provider", "simulated", "--workers", "2")
    out, err = command.communicate(timeout=60)
    assert json.loads(out)["name"] == "demo"
    told = events(err)
    assert len(told) == len(err.splitlines())
    assert {"time", "event", "subject", "detail"} == set(told[0])
    assert {event["event"] for event in told} >= {"made", "done"}
    failing = start("upgrade", "demo", "--kubernetes-version", "1.99")
    _, err = failing.communicate(timeout=60)
    assert failing.returncode == 2
    assert events(err)[-1]["event"] == "error"
