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
    assert seen == [TrackingSettings()]
    shown = {"max_per_core": 32768, "min": 131072, "tcp_established": "P1D", "tcp_close_wait": "PT1H"}
    assert seen[0].model_dump(mode="json") == {**shown, "tcp_be_liberal": False, "udp": "PT0S", "udp_stream": "PT0S"}


def test_every_flag_is_heard(seen: list[TrackingSettings]) -> None:
    assert run_command(["proxy", *FLAGS.split()]) == 0
    assert seen == [
        TrackingSettings(
            max_per_core=100, min=7, tcp_established=timedelta(minutes=90), tcp_close_wait=timedelta(0),
            tcp_be_liberal=True, udp=timedelta(seconds=10), udp_stream=timedelta(minutes=2),
        )
    ]  # fmt: skip


@pytest.mark.parametrize("flag", ["--conntrack-udp-timeout=-1s", "--conntrack-udp-timeout=soon", "--conntrack-min=-1"])
def test_what_makes_no_sense_is_refused_by_the_flags_name(
    seen: list[TrackingSettings], capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    assert run_command(["proxy", flag]) == 2
    assert f"{flag.partition('=')[0]}: " in capsys.readouterr().err
    assert not seen
