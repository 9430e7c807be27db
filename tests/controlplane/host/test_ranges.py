from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from cloudk8s.controlplane.host.ranges import choose, with_ranges
from cloudk8s.settings import ClusterSettings


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


def test_what_was_asked_for_counts(tmp_path: Path):
    settings = ClusterSettings(data_dir=tmp_path, cluster_cidr="10.1.0.0/16")
    assert with_ranges(settings).cluster_cidr == "10.1.0.0/16"
    assert with_ranges(ClusterSettings(data_dir=tmp_path)) == with_ranges(settings)


def test_a_cluster_that_was_started_before_keeps_the_usual_ranges(tmp_path: Path):
    (tmp_path / "pki").mkdir()
    assert with_ranges(ClusterSettings(data_dir=tmp_path)).cluster_cidr == "10.244.0.0/16"
