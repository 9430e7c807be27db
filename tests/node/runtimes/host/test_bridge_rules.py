from __future__ import annotations

from ipaddress import ip_network

from cloudk8s.node.runtimes.host.bridge_rules import HostPort, rules

OWN, CLUSTER = ip_network("10.244.1.0/24"), ip_network("10.244.0.0/16")


def test_pods_keep_their_address_within_the_cluster() -> None:
    assert "ip daddr != { 10.244.0.0/16 }" in rules("t", "ck0", [OWN], [], [CLUSTER])
    assert "ip daddr != { 10.244.1.0/24 }" in rules("t", "ck0", [OWN], [])


def test_only_what_a_pod_sends_to_itself_is_hidden_on_the_bridge() -> None:
    assert "ct status dnat" not in rules("t", "ck0", [OWN], [], [CLUSTER])
    port = HostPort("", 8080, "TCP", "10.244.1.5", 80)
    assert "ip saddr . ip daddr { 10.244.1.5 . 10.244.1.5 } masquerade" in rules("t", "ck0", [OWN], [port], [CLUSTER])
