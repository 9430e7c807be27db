"""What `cloudk8s proxy` makes of kube-proxy's flags about the tracking of connections."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cloudk8s.cli.app import run as run_command
from cloudk8s.controlplane.host import network_clients
from cloudk8s.network.proxy.nftables.tracking import TrackingSettings

FLAGS = """
--conntrack-max-per-core=100 --conntrack-min=7 --conntrack-tcp-timeout-established=1h30m
--conntrack-tcp-timeout-close-wait=0s --conntrack-tcp-be-liberal --conntrack-udp-timeout=10s
--conntrack-udp-timeout-stream=2m
"""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[TrackingSettings]:
    found: list[TrackingSettings] = []

    async def run_proxy(kubeconfig: Any, options: Any, *, tracking: TrackingSettings, **others: Any) -> None:
        found.append(tracking)

    monkeypatch.setattr(network_clients, "run_proxy", run_proxy)
    return found


def test_defaults_are_upstreams(seen: list[TrackingSettings]) -> None:
    assert run_command(["proxy"]) == 0
    assert seen == [TrackingSettings(32768, 131072, timedelta(hours=24), timedelta(hours=1))]


def test_every_flag_is_heard(seen: list[TrackingSettings]) -> None:
    assert run_command(["proxy", *FLAGS.split()]) == 0
    times = timedelta(minutes=90), timedelta(0), True, timedelta(seconds=10), timedelta(minutes=2)
    assert seen == [TrackingSettings(100, 7, *times)]


@pytest.mark.parametrize("flag", ["--conntrack-udp-timeout=-1s", "--conntrack-udp-timeout=soon", "--conntrack-min=-1"])
def test_what_makes_no_sense_is_refused(seen: list[TrackingSettings], flag: str) -> None:
    assert run_command(["proxy", flag]) == 2
    assert not seen
