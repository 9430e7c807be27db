"""`plugin list` and `provider …`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloudk8s.cli.app import run


def test_plugins_are_listed_with_their_hooks(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugin", "list", "--output", "json", "--disable-plugin", "libcloud"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert "cloudk8s_load_balancers" in rows["aws"]["hooks"]
    assert rows["libcloud"]["status"] == "disabled"


def test_providers_are_listed_with_their_contracts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["provider", "list", "-o", "json"]) == 0
    rows = {row["name"]: row["contracts"] for row in json.loads(capsys.readouterr().out)}
    assert "machines" in rows["simulated"]
    assert "etcd" not in rows


def test_settings_are_explained_by_their_docstrings(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["provider", "describe", "aws", "-o", "json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["region"]["default"] == "us-east-1"
    assert "instances elsewhere" in rows["region"]["description"]
    assert all(row["description"] for row in rows.values())


def test_an_unknown_provider_is_a_mistake_that_names_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["provider", "describe", "asw"]) == 2
    assert "did you mean 'aws'" in capsys.readouterr().err


def test_a_new_provider_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = str(tmp_path / "shiny")
    assert run(["provider", "new", "shiny", "--directory", target]) == 0
    assert f"{target}/pyproject.toml" in capsys.readouterr().out.splitlines()
    assert run(["provider", "new", "shiny", "--directory", target]) == 2
    assert "is there already" in capsys.readouterr().err


def test_clouds_are_given_one_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lb", "plan"]) == 2
    assert "--config FILE, or --cloud-provider NAME" in capsys.readouterr().err
