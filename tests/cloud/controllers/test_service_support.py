"""What a provider has not declared is refused before it is asked: each capability by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloudk8s.cloud.controllers.service_request import make_request
from cloudk8s.cloud.controllers.service_support import refuse_unsupported
from cloudk8s.cloud.model.load_balancer import LoadBalancerCapabilities, Protocol
from cloudk8s.cloud.model.route import IPFamily
from cloudk8s.errors import Unsupported
from cloudk8s.testing.cloud_harness import make_service

NOTHING = LoadBalancerCapabilities(local_traffic_policy=False)
HTTP = {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080, "nodePort": 30080}
TLS = HTTP | {"name": "tls", "port": 443, "nodePort": 30443}
DNS = HTTP | {"name": "dns", "protocol": "UDP", "port": 53, "nodePort": 30053}
SCTP = HTTP | {"name": "sctp", "protocol": "SCTP"}
BOTH: frozenset[Protocol] = frozenset({"TCP", "UDP"})
FAMILIES: frozenset[IPFamily] = frozenset({"IPv4", "IPv6"})

CASES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    (
        "spec.ports",
        {"ports": [HTTP, DNS]},
        {"protocols": BOTH, "mixed_protocols": True},
        "protocol UDP is not supported",
    ),
    ("spec.ports", {"ports": [SCTP]}, {"protocols": BOTH | {"SCTP"}}, "protocol SCTP is not supported"),
    ("spec.ipFamilies", {"ipFamilies": ["IPv6"]}, {"ip_families": FAMILIES}, "IPv6 is not supported"),
    ("spec.loadBalancerSourceRanges", {"loadBalancerSourceRanges": ["10.0.0.0/8"]}, {"source_ranges": True}, ""),
    ("spec.sessionAffinity", {"sessionAffinity": "ClientIP"}, {"session_affinity": True}, "ClientIP is not supported"),
    ("spec.loadBalancerIP", {"loadBalancerIP": "192.0.2.1"}, {"load_balancer_ip": True}, ""),
    ("spec.externalTrafficPolicy", {"externalTrafficPolicy": "Local"}, {"local_traffic_policy": True}, "Local"),
    (
        "spec.allocateLoadBalancerNodePorts",
        {"ports": [HTTP | {"nodePort": 0}], "allocateLoadBalancerNodePorts": False},
        {"without_node_ports": True},
        "port 80 has no node port",
    ),
]


def refuse(given: dict[str, Any], can: LoadBalancerCapabilities, *, wants_pods: bool = False) -> None:
    service = make_service(**given)
    service["metadata"]["uid"] = "u"
    refuse_unsupported(make_request(service, cluster="c", capabilities=can), can, wants_pods=wants_pods)


@pytest.mark.parametrize(
    ("field", "given", "declared", "words"), CASES, ids=[case[0] + str(n) for n, case in enumerate(CASES)]
)
def test_it_is_refused_unless_it_is_declared(
    field: str, given: dict[str, Any], declared: dict[str, Any], words: str
) -> None:
    with pytest.raises(Unsupported) as caught:
        refuse(given, NOTHING)
    assert caught.value.field == field
    assert words in str(caught.value)
    refuse(given, replace(NOTHING, **declared))


def test_protocols_that_are_each_supported_may_not_be_together() -> None:
    with pytest.raises(Unsupported, match=r"mixed protocols \(TCP, UDP\)"):
        refuse({"ports": [HTTP, DNS]}, replace(NOTHING, protocols=BOTH))


def test_two_families_need_dual_stack() -> None:
    both = {"ipFamilies": ["IPv4", "IPv6"]}
    with pytest.raises(Unsupported, match="dual stack"):
        refuse(both, replace(NOTHING, ip_families=FAMILIES))
    refuse(both, replace(NOTHING, ip_families=FAMILIES, dual_stack=True))


def test_ports_have_a_limit() -> None:
    with pytest.raises(Unsupported, match="2 ports, but at most 1"):
        refuse({"ports": [HTTP, TLS]}, replace(NOTHING, max_ports=1))
    refuse({"ports": [HTTP, TLS]}, NOTHING)


def test_a_service_without_ports_has_nothing_to_balance() -> None:
    service = make_service()
    service["metadata"]["uid"] = "u"
    request = make_request(service, cluster="c", capabilities=NOTHING)
    with pytest.raises(Unsupported, match="at least one port"):
        refuse_unsupported(replace(request, ports=()), NOTHING, wants_pods=False)


def test_pods_need_no_node_ports() -> None:
    refuse({"ports": [HTTP | {"nodePort": 0}]}, NOTHING, wants_pods=True)


def test_everyone_is_no_range() -> None:
    refuse({"loadBalancerSourceRanges": ["0.0.0.0/0"]}, NOTHING)
