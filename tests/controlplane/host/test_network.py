from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cloudk8s.controlplane.host.network import proxy_options, relay_door
from cloudk8s.controlplane.host.places import Place
from cloudk8s.settings import ClusterSettings

SETTINGS = ClusterSettings(data_dir=Path("/nonexistent"), service_cluster_ip_range="10.96.0.0/16,fd00:96::/112")
HERE = Place("n1", "192.0.2.2")


def test_the_way_to_the_api_server_is_open_to_this_host_and_its_pods_only():
    door = relay_door(SETTINGS, "192.0.2.2", 6443)
    assert all(door.admits(address) for address in ("192.0.2.2", "127.0.0.1", "10.244.3.7", "198.19.0.11"))
    assert not any(door.admits(address) for address in ("192.0.2.3", "10.96.0.1", "198.51.100.1"))


def test_clusters_of_different_names_have_different_tables():
    assert proxy_options(SETTINGS, [HERE]).table == "cloudk8s"
    assert proxy_options(replace(SETTINGS, name="dev"), [HERE]).table == "cloudk8s-dev"


def test_a_dual_stack_cluster_forwards_both_families():
    assert proxy_options(SETTINGS, [HERE]).families == ("IPv4", "IPv6")
