"""`plugin list` and `provider …`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloudk8s.cli.app import run

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
"""


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


FILE = "name: demo\nprovider: simulated\n"


@pytest.mark.parametrize(
    "command",
    [
        "provider describe simulated", "provider iam-policy simulated", "lb plan --cloud-provider simulated",
        "lb gc --cloud-provider simulated", "cluster plan --file FILE", "cluster apply --file FILE",
        "cluster create demo --provider simulated", "cluster list --provider simulated",
        *(
            f"cluster {name} demo --provider simulated"
            for name in ("autoscale --once", "delete", "describe", "explain", "history", "kubeconfig", "manage --once",
                         "plan", "scale --workers 1", "undo", "upgrade --kubernetes-version 1.37")
        ),
    ],
)  # fmt: skip
def test_a_plugin_that_is_left_out_is_no_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    (tmp_path / "cluster.yaml").write_text(FILE)
    words = command.replace("FILE", str(tmp_path / "cluster.yaml")).split()
    assert run([*words, "--disable-plugin", "libcloud", "--disable-plugin", "simulated"]) == 2
    assert "plugin 'simulated' is disabled" in capsys.readouterr().err


def test_providers_that_are_left_out_are_not_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["provider", "list", "-o", "json", "--disable-plugin", "libcloud"]) == 0
    assert sorted(row["name"] for row in json.loads(capsys.readouterr().out)) == ["aws", "local", "simulated"]


def test_a_cluster_has_no_cloud_whose_plugin_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert run(["up", "--cloud", "simulated", "--disable-plugin", "simulated", "--detach"]) == 2
    assert "plugin 'simulated' is disabled" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
