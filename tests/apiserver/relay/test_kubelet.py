from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.apiserver.pki import KeyPair
from cloudk8s.apiserver.relay.kubelet import Kubelets
from cloudk8s.errors import ServiceUnavailable


class Nodes:
    """As much of the server's core as is asked about one node."""

    def __init__(self, *addresses: tuple[str, str]) -> None:
        listed = [{"type": kind, "address": address} for kind, address in addresses]
        self.node = {"metadata": {"name": "n1"}, "status": {"addresses": listed}}

    def find(self, group: str, resource: str, name: str) -> dict:
        return self.node


def host_of(*addresses: tuple[str, str]) -> str:
    kubelets = Kubelets(Nodes(*addresses), KeyPair(Path(), Path()))
    kubelets.__dict__["_tls"] = None
    return kubelets.of("n1").host


def test_a_node_of_both_families_is_reached_at_its_first_address():
    assert host_of(("InternalIP", "192.0.2.1"), ("InternalIP", "fd00::1"), ("Hostname", "n1")) == "192.0.2.1"


def test_an_internal_address_goes_before_others_wherever_it_stands():
    assert host_of(("Hostname", "n1"), ("ExternalIP", "203.0.113.1"), ("InternalIP", "192.0.2.1")) == "192.0.2.1"


def test_a_node_without_an_address_is_not_available():
    with pytest.raises(ServiceUnavailable, match="has reported no address"):
        host_of()
