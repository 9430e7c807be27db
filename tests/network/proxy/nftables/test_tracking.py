"""What is set of the kernel's tracking of connections, in a copy of the files that show it."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path

import pytest

from cloudk8s.network.proxy.nftables import tracking
from cloudk8s.network.proxy.nftables.tracking import TrackingSettings, limit_of, may_tune, tune

NAMES = (
    "max",
    "tcp_timeout_established",
    "tcp_timeout_close_wait",
    "tcp_be_liberal",
    "udp_timeout",
    "udp_timeout_stream",
)
LEAVE = TrackingSettings(max_per_core=0, tcp_established=timedelta(0), tcp_close_wait=timedelta(0))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    switches, buckets = tmp_path / "proc/sys/net/netfilter", tmp_path / "sys/module/nf_conntrack/parameters"
    switches.mkdir(parents=True)
    buckets.mkdir(parents=True)
    for name, value in zip(NAMES, (65536, 432000, 60, 0, 30, 120), strict=True):
        (switches / f"nf_conntrack_{name}").write_text(f"{value}\n")
    (buckets / "hashsize").write_text("16384\n")
    return tmp_path


def shown(root: Path) -> list[int]:
    files = [root / f"proc/sys/net/netfilter/nf_conntrack_{name}" for name in NAMES]
    return [int(file.read_text()) for file in (*files, root / "sys/module/nf_conntrack/parameters/hashsize")]


@pytest.mark.parametrize(
    ("per_core", "least", "cores", "limit"),
    [(32768, 131072, 2, 131072), (32768, 131072, 8, 262144), (32768, 131072, 64, 1048576), (0, 131072, 8, 0)],
)
def test_the_limit_grows_with_cores_between_a_minimum_and_a_million(
    per_core: int, least: int, cores: int, limit: int
) -> None:
    assert limit_of(TrackingSettings(max_per_core=per_core, min=least), cores) == limit


def test_defaults_are_upstreams_and_leave_datagrams_alone(root: Path) -> None:
    tune(TrackingSettings(), root=root, cores=2)
    assert shown(root) == [131072, 86400, 3600, 0, 30, 120, 32768]


def test_everything_can_be_said(root: Path) -> None:
    minute = timedelta(minutes=1)
    settings = TrackingSettings(
        max_per_core=100_000, min=1, tcp_established=minute, tcp_close_wait=minute * 2, tcp_be_liberal=True,
        udp=minute * 3, udp_stream=minute * 4,
    )  # fmt: skip
    tune(settings, root=root, cores=2)
    assert shown(root) == [200_000, 60, 120, 1, 180, 240, 50_000]


def test_nothing_asked_for_changes_nothing(root: Path) -> None:
    before = shown(root)
    tune(LEAVE, root=root, cores=2)
    assert shown(root) == before


def test_a_limit_that_is_higher_stays(root: Path) -> None:
    (root / "proc/sys/net/netfilter/nf_conntrack_max").write_text("999999\n")
    (root / "sys/module/nf_conntrack/parameters/hashsize").write_text("999999\n")
    tune(TrackingSettings(), root=root, cores=2)
    assert (shown(root)[0], shown(root)[-1]) == (999999, 999999)


def test_what_is_not_there_is_logged_and_the_rest_set(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "proc/sys/net/netfilter/nf_conntrack_max").unlink()
    with caplog.at_level(logging.WARNING):
        tune(TrackingSettings(), root=root, cores=2)
    assert "nf_conntrack_max is not set to 131072" in caplog.text
    assert int((root / "proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait").read_text()) == 3600


@pytest.mark.parametrize(
    ("users", "own", "is_root", "may"),
    [
        ("0 0 4294967295", "net:[1]", True, True),
        ("0 0 4294967295", "net:[1]", False, False),
        ("0 0 4294967295", "net:[2]", True, False),
        ("0 1000 1", "net:[1]", True, False),
    ],
    ids=["root of the host", "without privileges", "in a network namespace", "in a user namespace"],
)
def test_only_who_administers_the_host_itself_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, users: str, own: str, is_root: bool, may: bool
) -> None:
    monkeypatch.setattr(tracking, "may_administer", lambda: is_root)
    for process, namespace in (("self", own), ("1", "net:[1]")):
        directory = tmp_path / "proc" / process / "ns"
        directory.mkdir(parents=True)
        os.symlink(namespace, directory / "net")
    (tmp_path / "proc/self/uid_map").write_text(users)
    assert may_tune(tmp_path) == may
