from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.controlplane.host import places as module
from cloudk8s.controlplane.host.local_cloud import local_settings
from cloudk8s.controlplane.host.places import places, range_six
from cloudk8s.settings import ClusterSettings


@pytest.fixture(autouse=True)
def privileged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with an IPv4 address, whoever runs the tests."""
    monkeypatch.setattr(module, "may_administer", lambda: True)
    monkeypatch.setattr(module, "outgoing_address", lambda version=4: "192.0.2.2" if version == 4 else "")


def settings(cluster_cidr: str) -> ClusterSettings:
    return ClusterSettings(data_dir=Path("/nowhere"), cluster_cidr=cluster_cidr, host_range="198.19.7.0/24")


def test_nodes_after_the_first_are_hosts_of_their_own():
    first, second = places(settings("10.244.0.0/16"), 2)
    assert (first.addresses, first.namespace) == (("192.0.2.2",), "")
    assert second.addresses == ("198.19.7.11",)
    assert second.namespace


def test_in_a_cluster_of_both_families_every_node_has_an_address_of_each():
    first, second = places(settings("10.244.0.0/16,fd00:244::/56"), 2)
    assert first.addresses == ("192.0.2.2", "fdc8:c613:700::1")
    assert second.addresses == ("198.19.7.11", "fdc8:c613:700::b")


def test_a_node_alone_has_the_addresses_that_its_host_has():
    (only,) = places(settings("10.244.0.0/16,fd00:244::/56"), 1)
    assert only.addresses == ("192.0.2.2",)


def test_hosts_of_two_clusters_have_different_ipv6_addresses():
    assert range_six("198.19.0.0/24") != range_six("198.19.1.0/24")


def test_the_local_cloud_knows_all_addresses_of_nodes_and_of_this_host():
    found = local_settings(settings("10.244.0.0/16,fd00:244::/56"), places(settings("10.244.0.0/16,fd00::/56"), 2), 1)
    assert list(found["nodes"].values())[1] == "198.19.7.11,fdc8:c613:700::b"
    assert found["own_addresses"][1:] == ["fdc8:c613:700::1"]
