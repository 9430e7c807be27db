"""Flags of the cloud-controller-manager: upstream's names, and a file may say what no flag does."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.cli.app import run as run_command
from cloudk8s.controlplane import clouds
from cloudk8s.controlplane.clouds import CloudControllerOptions

FILE = """
clouds: [{name: sim, provider: simulated}]
controllers: {cluster: prod, node_monitor_period: 9s, concurrent_service_syncs: 3}
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[CloudControllerOptions]:
    """What would have been run."""
    found: list[CloudControllerOptions] = []

    async def run(options: CloudControllerOptions, *, report: Any) -> None:
        found.append(options)

    monkeypatch.setattr(clouds, "run_cloud_controller_manager", run)
    return found


def invoke(tmp_path: Path, *flags: str) -> int:
    file = tmp_path / "clouds.yaml"
    file.write_text(FILE)
    return run_command(["cloud-controller-manager", "--config", str(file), *flags])


def test_a_file_says_what_no_flag_does(tmp_path: Path, started: list[CloudControllerOptions]) -> None:
    invoke(tmp_path, "--concurrent-service-syncs", "7", "--cluster-cidr", "10.1.0.0/16,fd00::/48")
    [options] = started
    settings = options.clouds.controllers
    assert (settings.cluster, settings.node_monitor_period) == ("prod", timedelta(seconds=9))
    assert (settings.concurrent_service_syncs, settings.cluster_cidrs) == (7, ("10.1.0.0/16", "fd00::/48"))


def test_a_flag_goes_before_the_file(tmp_path: Path, started: list[CloudControllerOptions]) -> None:
    invoke(tmp_path, "--cluster-name", "test", "--node-monitor-period", "2s", "--no-configure-cloud-routes")
    settings = started[0].clouds.controllers
    assert (settings.cluster, settings.node_monitor_period) == ("test", timedelta(seconds=2))
    assert not settings.configure_cloud_routes


def test_a_value_that_can_not_be_names_its_flag(
    tmp_path: Path, started: list[CloudControllerOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(tmp_path, "--concurrent-node-syncs", "0") == 2
    assert "--concurrent-node-syncs" in capsys.readouterr().err
    assert started == []


def test_the_api_server_is_asked_as_often_as_told(tmp_path: Path, started: list[CloudControllerOptions]) -> None:
    invoke(tmp_path, "--kube-api-qps", "20", "--kube-api-burst", "30")
    invoke(tmp_path)
    assert [(options.qps, options.burst) for options in started] == [(20.0, 30), (0.0, 100)]


def test_the_api_server_may_be_elsewhere_than_the_kubeconfig_says(
    tmp_path: Path, started: list[CloudControllerOptions]
) -> None:
    invoke(tmp_path, "--master", "https://10.0.0.1:6443")
    invoke(tmp_path)
    assert [options.master for options in started] == ["https://10.0.0.1:6443", ""]


def test_it_is_elected_as_told(tmp_path: Path, started: list[CloudControllerOptions]) -> None:
    invoke(tmp_path, "--leader-elect-lease-duration", "40s", "--leader-elect-resource-name", "mine")
    election = started[0].leases.main
    assert election is not None
    assert (election.name, election.namespace) == ("mine", "kube-system")
    assert (election.lease_duration, election.renew_deadline) == (timedelta(seconds=40), timedelta(seconds=10))
    invoke(tmp_path, "--no-leader-elect")
    assert started[1].leases.main is None


def test_a_lease_that_runs_out_before_it_is_renewed_is_refused(
    tmp_path: Path, started: list[CloudControllerOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(tmp_path, "--leader-elect-lease-duration", "5s") == 2
    assert "must be longer" in capsys.readouterr().err
    assert started == []


def test_controllers_move_under_a_second_lease_only_if_asked(
    tmp_path: Path, started: list[CloudControllerOptions]
) -> None:
    file = tmp_path / "migration.yaml"
    words = {"apiVersion": "controllermanager.config.k8s.io/v1", "kind": "LeaderMigrationConfiguration"}
    leaders = [{"name": "service", "component": "*"}]
    file.write_text(json.dumps({**words, "leaderName": "moving", "controllerLeaders": leaders}))
    invoke(tmp_path)
    invoke(tmp_path, "--leader-migration-config", str(file))
    invoke(tmp_path, "--enable-leader-migration")
    invoke(tmp_path, "--enable-leader-migration=true", "--leader-migration-config", str(file))
    found = [options.leases.migration for options in started]
    assert [migration and migration.leader_name for migration in found] == [
        None, None, "cloud-provider-extraction-migration", "moving",
    ]  # fmt: skip


def test_controllers_work_as_accounts_of_their_own_only_if_asked(
    tmp_path: Path, started: list[CloudControllerOptions]
) -> None:
    invoke(tmp_path)
    invoke(tmp_path, "--use-service-account-credentials=true")
    assert [options.use_service_account_credentials for options in started] == [False, True]


def test_addresses_are_written_by_as_many_workers_as_told(
    tmp_path: Path, started: list[CloudControllerOptions]
) -> None:
    invoke(tmp_path, "--concurrent-node-syncs", "5")
    invoke(tmp_path, "--concurrent-node-syncs", "5", "--concurrent-node-status-updates", "2")
    assert [options.clouds.controllers.node_status_updates for options in started] == [5, 2]
