from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path

import pytest

from cloudk8s.controlplane.host import claims, ranges
from cloudk8s.controlplane.host.ranges import choose, with_ranges
from cloudk8s.settings import ClusterSettings

PLACE = claims.place


@pytest.fixture(autouse=True)
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "place", lambda: tmp_path / "claims")


def test_the_usual_ranges_are_taken_where_they_are_free():
    assert choose([ip_network("192.0.2.0/24"), ip_network("fd00::/8")], is_privileged=True) == {
        "service_cluster_ip_range": "10.96.0.0/16",
        "cluster_cidr": "10.244.0.0/16",
        "load_balancer_range": "198.18.0.0/24",
        "host_range": "198.19.0.0/24",
    }


def test_a_pair_is_passed_over_when_one_of_it_is_taken():
    found = choose([ip_network("10.244.0.0/24"), ip_network("10.97.0.0/16")], is_privileged=True)
    assert list(found.values()) == ["10.98.0.0/16", "10.242.0.0/16", "198.18.2.0/24", "198.19.2.0/24"]


def test_without_privileges_services_are_on_loopback():
    found = choose([], is_privileged=False)
    assert list(found.values()) == ["127.96.0.0/16", "10.244.0.0/16", "127.200.0.0/24", "198.19.0.0/24"]


def test_a_host_without_a_free_range_gets_the_usual_one():
    assert choose([ip_network("10.0.0.0/8")], is_privileged=True)["cluster_cidr"] == "10.244.0.0/16"


def test_ranges_stay_once_chosen_and_differ_between_clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    one, two = (ClusterSettings(data_dir=tmp_path / "cloudk8s" / name, name=name) for name in ("one", "two"))
    first = with_ranges(one)
    (one.data_dir / "pki").mkdir()
    assert with_ranges(one) == first
    assert with_ranges(two).cluster_cidr != first.cluster_cidr
    assert with_ranges(two).service_cluster_ip_range != first.service_cluster_ip_range


def test_clusters_that_start_at_one_moment_get_different_ranges(tmp_path: Path):
    wanted = [ClusterSettings(data_dir=tmp_path / f"elsewhere-{number}", name=f"c{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(with_ranges, wanted))
    assert len({each.service_cluster_ip_range for each in found}) == 6
    assert [with_ranges(each) for each in wanted] == found


def test_what_nobody_starts_or_runs_any_more_claims_nothing(tmp_path: Path):
    registered, gone = tmp_path / "claims", tmp_path / "gone"
    with claims.locked(registered):
        claims.claim(registered, gone)
    assert list(claims.others(registered, tmp_path / "other")) == [gone]
    assert list(claims.others(registered, gone)) == []
    (claim,) = registered.glob("[0-9a-f]*")
    claim.write_text(claim.read_text().replace(str(os.getpid()), "4194305"))
    assert list(claims.others(registered, tmp_path / "other")) == []
    assert not claim.exists()


def test_claims_are_kept_where_this_user_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    environment = {"XDG_DATA_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    assert PLACE(environment) == tmp_path / "cloudk8s"
    elsewhere = environment | {"XDG_RUNTIME_DIR": str(tmp_path / "of-another-user")}
    assert PLACE(elsewhere) == PLACE({"XDG_DATA_HOME": str(tmp_path)}) == tmp_path / "cloudk8s" / ".claims"


def test_loopback_addresses_of_other_users_clusters_are_passed_over(tmp_path: Path):
    listening = socket.create_server(("127.96.7.7", 0))
    try:
        taken = list(ranges._listened(Path("/proc/net/tcp")))
        assert ip_network("127.96.7.7/32") in taken
        assert not any(each.subnet_of(ip_network("127.0.0.0/10")) for each in taken)
    finally:
        listening.close()
    assert choose([ip_network("127.96.7.7/32")], is_privileged=False)["service_cluster_ip_range"] == "127.97.0.0/16"


def test_what_was_asked_for_counts(tmp_path: Path):
    settings = ClusterSettings(data_dir=tmp_path, cluster_cidr="10.1.0.0/16")
    assert with_ranges(settings).cluster_cidr == "10.1.0.0/16"
    assert with_ranges(ClusterSettings(data_dir=tmp_path)) == with_ranges(settings)


def test_a_cluster_that_was_started_before_keeps_the_usual_ranges(tmp_path: Path):
    (tmp_path / "pki").mkdir()
    assert with_ranges(ClusterSettings(data_dir=tmp_path)).cluster_cidr == "10.244.0.0/16"


def test_the_usual_range_is_not_replaced_where_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ranges, "_taken", lambda *_: [])
    usual = ClusterSettings(data_dir=tmp_path, asked_ranges=("cluster_cidr",))
    monkeypatch.setattr(ranges, "choose", lambda taken, is_privileged: {"cluster_cidr": "10.9.0.0/16"})
    assert with_ranges(usual).cluster_cidr == usual.cluster_cidr
