"""`cloudk8s cluster` and `cloudk8s offline` as a user drives them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.cli.app import run
from cloudk8s.provisioning.declaration.schema import cluster_schema
from cloudk8s.provisioning.offline import process
from cloudk8s_aws.permissions import policy

Cli = Callable[..., tuple[int, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    return tmp_path


@pytest.fixture
def cli(home: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    def call(*arguments: str) -> tuple[int, str]:
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out if code in (0, 2) and captured.out else captured.err

    return call


@pytest.fixture
def emulator(home: Path) -> Iterator[None]:
    yield
    process.stop()


def data_of(answer: tuple[int, str]) -> Any:
    assert answer[0] in (0, 2), answer[1]
    return json.loads(answer[1])


def test_a_cluster_lives_on_between_commands(cli: Cli) -> None:
    made = data_of(cli("cluster", "create", "demo", "--provider", "simulated", "--workers", "3", "-o", "json"))
    assert [group["available"] for group in made["groups"]] == [1, 3]
    assert made["phase"] == "Provisioned"
    assert cli("cluster", "plan", "demo")[0] == 0
    assert data_of(cli("cluster", "plan", "demo", "--workers", "5", "-o", "json"))["changes"] == 3
    assert cli("cluster", "plan", "demo", "--workers", "5")[0] == 2
    assert data_of(cli("cluster", "scale", "demo", "--workers", "5", "-o", "json"))["groups"][1]["available"] == 5
    assert [row["workers"] for row in data_of(cli("cluster", "list", "-o", "json"))] == [5]
    assert cli("cluster", "delete", "demo")[0] == 0
    assert data_of(cli("cluster", "list", "--provider", "simulated", "-o", "json")) == []
    assert cli("cluster", "describe", "demo", "--provider", "simulated")[0] == 2


def test_create_again_keeps_what_was_declared_before(cli: Cli) -> None:
    cli("cluster", "create", "demo", "--provider", "simulated", "--workers", "3")
    made = data_of(cli("cluster", "create", "demo", "-o", "json"))
    assert made["groups"][1]["replicas"] == 3


def test_a_file_declares_all_of_it(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text("name: prod\nprovider: simulated\npools:\n- {name: web, replicas: 2}\n- {name: db, replicas: 1}\n")
    assert cli("cluster", "plan", "-f", str(file))[0] == 2
    assert cli("cluster", "apply", "-f", str(file))[0] == 0
    assert cli("cluster", "plan", "-f", str(file))[0] == 0
    assert cli("cluster", "scale", "prod", "--workers", "3")[1].endswith("Say --pool, one of web, db\n")
    assert data_of(cli("cluster", "describe", "prod", "-o", "json"))["declaration"]["pools"][1]["name"] == "db"


@pytest.mark.parametrize("command", ["create", "apply"])
def test_add_ons_that_are_not_there_are_told_before_anything_is_made(cli: Cli, tmp_path: Path, command: str) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text("name: prod\nprovider: simulated\naddons: [none.yaml]\n")
    code, text = cli("cluster", command, "-f", str(file))
    assert (code, f"there is no file {tmp_path / 'none.yaml'}" in text) == (2, True)
    assert data_of(cli("cluster", "list", "--provider", "simulated", "-o", "json")) == []


def test_mistakes_are_one_line_and_code_2(cli: Cli, tmp_path: Path) -> None:
    assert cli("cluster", "describe", "nobody") == (
        2, 'error: where is cluster "nobody"? Say --provider, or give its file with -f\n',
    )  # fmt: skip
    code, text = cli("cluster", "create", "demo", "--provider", "simulatd")
    assert (code, "did you mean 'simulated'?" in text) == (2, True)
    assert cli("cluster", "create", "demo", "--provider", "simulated", "--timeout", "soon")[0] == 2
    assert cli("cluster", "create", "demo", "--provider", "simulated", "--control-plane", "2")[0] == 2
    assert cli("cluster", "upgrade", "demo", "--provider", "simulated", "--kubernetes-version", "1.38")[0] == 2
    assert not list(tmp_path.rglob("simulated.json"))


def test_an_upgrade_may_not_skip_a_version(cli: Cli) -> None:
    cli("cluster", "create", "demo", "--provider", "simulated")
    assert "go to 1.38 first" in cli("cluster", "upgrade", "demo", "--kubernetes-version", "1.39")[1]
    assert "can't go back" in cli("cluster", "upgrade", "demo", "--kubernetes-version", "1.36")[1]
    made = data_of(cli("cluster", "upgrade", "demo", "--kubernetes-version", "1.38", "-o", "json"))
    assert {machine["version"] for machine in made["machines"]} == {"1.38"}


def test_a_deletion_can_be_looked_at_first(cli: Cli) -> None:
    cli("cluster", "create", "demo", "--provider", "simulated", "--workers", "1")
    code, text = cli("cluster", "delete", "demo", "--dry-run")
    assert (code, "delete 2 machines" in text) == (2, True)
    assert cli("cluster", "plan", "demo")[0] == 0


def test_a_plan_tells_programs_what_why_how_and_for_how_much(cli: Cli) -> None:
    made = data_of(cli("cluster", "plan", "demo", "--provider", "simulated", "--workers", "2", "-o", "json"))
    machines = [step for step in made["steps"] if step["type"] == "machine"]
    assert [(step["action"], len(step["names"])) for step in machines] == [("create", 1), ("create", 2)]
    assert machines[1]["reasons"] == ["workers has 0 of 2"]
    assert sum(made["apiCalls"]["byName"].values()) == made["apiCalls"]["total"] > 5
    assert made["cost"]["monthly"] == pytest.approx(730 * (3 * 0.02 + 0.02), rel=0.01)
    cli("cluster", "create", "demo", "--provider", "simulated", "--workers", "2")
    file = ("--provider", "simulated", "--workers", "1", "-o", "json")
    (step,) = [step for step in data_of(cli("cluster", "plan", "demo", *file))["steps"] if step["type"] == "machine"]
    assert (step["action"], step["reasons"]) == ("delete", ["workers shrinks to 1"])


def test_a_file_leaves_the_size_of_a_pool_to_the_autoscaler(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text("name: prod\nprovider: simulated\npools:\n- {name: web, min: 2, max: 4}\n")
    assert data_of(cli("cluster", "create", "-f", str(file), "-o", "json"))["groups"][1]["replicas"] == 2
    cli("cluster", "scale", "prod", "--workers", "4")
    assert cli("cluster", "plan", "-f", str(file))[0] == 0
    assert data_of(cli("cluster", "apply", "-f", str(file), "-o", "json"))["groups"][1]["replicas"] == 4
    file.write_text(file.read_text().replace("max: 4", "max: 3"))
    assert data_of(cli("cluster", "apply", "-f", str(file), "-o", "json"))["groups"][1]["replicas"] == 3
    file.write_text(file.read_text().replace("max: 3", "max: 3, replicas: 1, min: 1").replace("min: 2, ", ""))
    assert data_of(cli("cluster", "apply", "-f", str(file), "-o", "json"))["groups"][1]["replicas"] == 1


def test_a_change_is_undone(cli: Cli) -> None:
    cli("cluster", "create", "demo", "--provider", "simulated", "--workers", "3")
    cli("cluster", "scale", "demo", "--workers", "5")
    assert data_of(cli("cluster", "undo", "demo", "-o", "json"))["groups"][1]["available"] == 3
    assert data_of(cli("cluster", "describe", "demo", "-o", "json"))["declaration"]["pools"][0]["replicas"] == 3


def test_what_else_is_printed_for_files_and_accounts(cli: Cli) -> None:
    assert data_of(cli("cluster", "schema")) == cluster_schema()
    assert data_of(cli("provider", "iam-policy", "aws")) == policy()


@pytest.mark.usefixtures("emulator")
def test_aws_offline_from_nothing_to_nothing(cli: Cli, home: Path) -> None:
    """The emulator is started on demand, lives on between commands, and is empty in the end."""
    file = home / "cluster.yaml"
    file.write_text("name: demo\nprovider: aws\npools: [{type: x9.gigantic}]\n")
    foreseen = data_of(cli("cluster", "plan", "-f", str(file), "--offline", "-o", "json"))
    (finding,) = foreseen["findings"]
    assert (finding["field"], finding["fatal"], "x9.gigantic" in finding["message"]) == ("network.zones", True, True)
    made = data_of(cli("cluster", "create", "demo", "--provider", "aws", "--offline", "--workers", "3", "-o", "json"))
    kinds = {entry["type"] for entry in made["resources"]}
    assert {"vpc", "subnet", "nat-gateway", "security-group", "role", "api-balancer", "api-targets"} <= kinds
    assert [group["available"] for group in made["groups"]] == [1, 3]
    assert made["endpoint"].endswith(":6443")
    assert data_of(cli("offline", "status", "-o", "json"))["status"] == "Running"
    assert cli("cluster", "plan", "demo")[0] == 0
    assert data_of(cli("cluster", "scale", "demo", "--workers", "1", "-o", "json"))["groups"][1]["current"] == 1
    shutil.rmtree(home / "cloudk8s" / ".clusters")  # a lost laptop loses nothing
    there = ("--provider", "aws", "--offline")
    assert [row["name"] for row in data_of(cli("cluster", "list", *there, "-o", "json"))] == ["demo"]
    assert data_of(cli("cluster", "describe", "demo", *there, "-o", "json"))["groups"][1]["replicas"] == 1
    assert cli("cluster", "delete", "demo", *there)[0] == 0
    assert data_of(cli("cluster", "list", "--provider", "aws", "--offline", "-o", "json")) == []
    assert cli("offline", "stop")[0] == 0
    assert cli("offline", "status")[0] == 1
