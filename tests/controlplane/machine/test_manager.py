"""The command that looks after a cluster from within."""

from __future__ import annotations

import sys
from typing import Any

from cloudk8s.controlplane.machine.manager import HOST_NETWORK, inherited, manager_command
from cloudk8s.controlplane.machine.settings import ControlPlaneSettings


def settings(**manages: Any) -> ControlPlaneSettings:
    entry = {
        "cluster": "demo",
        "name": "demo-control-plane-0",
        "seed": "00",
        **({"manages": manages} if manages else {}),
    }
    return ControlPlaneSettings.model_validate(entry)


def test_nothing_runs_where_somebody_else_looks_after_the_cluster() -> None:
    assert manager_command(settings(), {}) == []


def test_it_finds_the_cluster_by_provider_and_settings() -> None:
    found = settings(provider="aws", settings={"region": "us-east-1", "zones": ["a", "b"], "offline": True})
    assert manager_command(found, {}) == [
        sys.executable, "-m", "cloudk8s", "cluster", "manage", "demo", "--provider=aws", "--set=offline=true",
        '--set=region="us-east-1"', '--set=zones=["a","b"]', "--stop-with-input",
    ]  # fmt: skip


def test_it_acts_on_the_host_where_machines_are_parts_of_one() -> None:
    known = {HOST_NETWORK: "7"}
    assert manager_command(settings(provider="local"), known)[:3] == ["nsenter", "--net=/proc/self/fd/7", "--"]
    assert inherited(known) == (7,)
    assert inherited({}) == ()
