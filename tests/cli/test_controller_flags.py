from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cloudk8s.cli.app import run
from cloudk8s.cli.controller_flags import FLAGS
from cloudk8s.cli.setting_flags import with_flags
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.errors import SettingsError


def called(*arguments: str) -> tuple[str, dict[str, Any]]:
    """A command with the flags, and what it was given."""
    found: list[tuple[str, dict[str, Any]]] = []

    @with_flags(ControllerSettings, FLAGS)
    def command(own: str = "x", settings: Mapping[str, Any] = {}) -> None:
        found.append((own, dict(settings)))

    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return found[0]


def test_without_flags_every_setting_has_its_default() -> None:
    own, settings = called()
    assert own == "x"
    assert settings == {field: getattr(ControllerSettings(), field) for field in FLAGS}


def test_flags_are_settings_of_their_type() -> None:
    own, settings = called(
        "--own", "y", "--concurrent-gc-syncs", "3", "--node-monitor-grace-period=1m30s",
        "--no-enable-garbage-collector", "--horizontal-pod-autoscaler-tolerance", "0.25",
    )  # fmt: skip
    assert own == "y"
    wanted = ControllerSettings(**settings)
    assert wanted.concurrent_gc_syncs == 3
    assert wanted.node_monitor_grace_period == timedelta(seconds=90)
    assert wanted.enable_garbage_collector is False
    assert wanted.hpa_tolerance == 0.25


def test_a_wrong_duration_names_its_flag() -> None:
    with pytest.raises(SettingsError, match="--node-monitor-period"):
        called("--node-monitor-period", "soon")


def test_a_value_that_the_settings_do_not_take_names_its_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["controller-manager", "--secure-port=70000"]) == 2
    assert "--secure-port: " in capsys.readouterr().err


def test_defaults_are_upstreams() -> None:
    upstream = {
        "concurrent_daemonset_syncs": 2, "concurrent_gc_syncs": 20, "concurrent_namespace_syncs": 10,
        "concurrent_resource_claim_syncs": 50, "node_eviction_rate": 0.1, "secondary_node_eviction_rate": 0.01,
        "large_cluster_size_threshold": 50, "unhealthy_zone_threshold": 0.55, "terminated_pod_gc_threshold": 12500,
        "max_endpoints_per_slice": 100, "hpa_tolerance": 0.1, "node_cidr_mask_size_ipv4": 24,
        "node_cidr_mask_size_ipv6": 64,
    }  # fmt: skip
    fives = ["cron_job", "deployment", "endpoint", "ephemeralvolume", "horizontal_pod_autoscaler", "job", "rc"]
    fives += ["replicaset", "resource_quota", "service_endpoint", "serviceaccount_token", "statefulset"]
    fives += ["ttl_after_finished", "validating_admission_policy_status"]
    upstream |= {f"concurrent_{name}_syncs": 5 for name in fives}
    seconds = {
        "node_monitor_grace_period": 50, "node_monitor_period": 5, "node_startup_grace_period": 60,
        "pvclaimbinder_sync_period": 15, "resource_quota_sync_period": 300, "hpa_sync_period": 15,
        "hpa_downscale_stabilization": 300, "hpa_cpu_initialization_period": 300, "hpa_initial_readiness_delay": 30,
        "legacy_service_account_token_clean_up_period": 8760 * 3600, "cluster_signing_duration": 8760 * 3600,
    }  # fmt: skip
    settings = ControllerSettings()
    assert {field: getattr(settings, field) for field in upstream} == upstream
    assert {field: getattr(settings, field).total_seconds() for field in seconds} == seconds
