from __future__ import annotations

import pytest

from cloudk8s.network.proxy.model import Backend, Locality
from cloudk8s.network.proxy.rules import health_check_of, rules_of
from tests.network.objects import endpoint, service, slice_of

HERE = Locality(frozenset({"n1"}), "z1")


def backends(*addresses: str) -> tuple[Backend, ...]:
    return tuple(Backend(address, 8080) for address in addresses)


def only(service_object, slices, where=HERE):
    (found,) = rules_of(service_object, slices, where)
    return found


def test_ready_endpoints_of_all_slices_are_used_once():
    slices = [
        slice_of([endpoint("10.0.0.1"), endpoint("10.0.0.2", ready=False)]),
        slice_of([endpoint("10.0.0.1"), endpoint("10.0.0.3", node="n2")], name="web-2"),
    ]
    rule = only(service(), slices)
    assert rule.cluster == backends("10.0.0.1", "10.0.0.3")
    assert rule.has_any


def test_ports_are_matched_by_name_not_number():
    ports = [{"name": "http", "port": 80}, {"name": "admin", "port": 81, "protocol": "TCP"}]
    slices = [
        slice_of([endpoint("10.0.0.1")], ports=[{"name": "http", "port": 8090}]),
        slice_of([endpoint("10.0.0.2")], ports=[{"name": "admin", "port": 9090}], name="web-2"),
    ]
    http, admin = rules_of(service(ports=ports), slices, HERE)
    assert (http.port, http.cluster) == (80, (Backend("10.0.0.1", 8090),))
    assert (admin.port, admin.cluster) == (81, (Backend("10.0.0.2", 9090),))


def test_the_same_port_of_two_protocols_is_two_rules():
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
    assert [rule.key.protocol for rule in rules_of(service(ports=ports), [], HERE)] == ["UDP", "TCP"]


@pytest.mark.parametrize(
    "foreign",
    [
        {"type": "ExternalName", "externalName": "example.com", "clusterIP": ""},
        {"clusterIP": "None", "clusterIPs": ["None"]},
        {"clusterIP": "", "clusterIPs": []},
        {"labels": {"service.kubernetes.io/service-proxy-name": "other"}},
        {"labels": {"service.kubernetes.io/headless": ""}},
    ],
)
def test_services_that_are_not_ours_have_no_rules(foreign):
    assert rules_of(service(**foreign), [slice_of([endpoint("10.0.0.1")])], HERE) == []


def test_dual_stack_services_have_a_rule_in_each_family():
    slices = [slice_of([endpoint("10.0.0.1")]), slice_of([endpoint("fd00::1")], name="web-6", family="IPv6")]
    four, six = rules_of(service(clusterIPs=["10.96.0.7", "fd00:96::7"]), slices, HERE)
    assert (four.key.family, four.cluster) == ("IPv4", backends("10.0.0.1"))
    assert (six.key.family, six.cluster) == ("IPv6", backends("fd00::1"))


def test_without_ready_endpoints_those_that_still_serve_are_used():
    ending = endpoint("10.0.0.1", ready=False, serving=True, terminating=True)
    assert only(service(), [slice_of([ending])]).cluster == backends("10.0.0.1")
    assert only(service(), [slice_of([ending, endpoint("10.0.0.2")])]).cluster == backends("10.0.0.2")


def test_endpoints_that_neither_are_ready_nor_serve_are_no_endpoints():
    rule = only(service(), [slice_of([endpoint("10.0.0.1", ready=False, serving=False, terminating=True)])])
    assert rule.cluster == ()
    assert not rule.has_any


def test_local_policies_use_the_endpoints_of_this_node():
    slices = [slice_of([endpoint("10.0.0.1"), endpoint("10.0.0.2", node="n2")])]
    rule = only(service(internalTrafficPolicy="Local"), slices)
    assert rule.internal == backends("10.0.0.1")
    assert rule.external == backends("10.0.0.1", "10.0.0.2")


def test_a_local_policy_without_local_endpoints_has_none_but_says_there_are_others():
    rule = only(service(internalTrafficPolicy="Local"), [slice_of([endpoint("10.0.0.2", node="n2")])])
    assert rule.internal == ()
    assert rule.has_any


def test_zone_hints_are_followed_when_all_endpoints_have_them():
    near = endpoint("10.0.0.1", hints={"forZones": [{"name": "z1"}]})
    far = endpoint("10.0.0.2", hints={"forZones": [{"name": "z2"}]})
    assert only(service(), [slice_of([near, far])]).cluster == backends("10.0.0.1")
    assert only(service(), [slice_of([near, far, endpoint("10.0.0.3")])]).cluster == backends(
        "10.0.0.1", "10.0.0.2", "10.0.0.3"
    )
    elsewhere = Locality(frozenset({"n1"}), "z9")
    assert only(service(), [slice_of([near, far])], elsewhere).cluster == backends("10.0.0.1", "10.0.0.2")


def test_node_hints_go_before_zone_hints():
    zone = [{"name": "z1"}]
    mine = endpoint("10.0.0.1", hints={"forZones": zone, "forNodes": [{"name": "n1"}]})
    other = endpoint("10.0.0.2", node="n2", hints={"forZones": zone, "forNodes": [{"name": "n2"}]})
    assert only(service(), [slice_of([mine, other])]).cluster == backends("10.0.0.1")
    third = Locality(frozenset({"n3"}), "z1")
    assert only(service(), [slice_of([mine, other])], third).cluster == backends("10.0.0.1", "10.0.0.2")


def test_addresses_of_a_proxying_balancer_are_left_to_it():
    ingress = [{"ip": "203.0.113.1", "ipMode": "VIP"}, {"ip": "203.0.113.2", "ipMode": "Proxy"}, {"hostname": "lb"}]
    rule = only(service(type="LoadBalancer", status={"loadBalancer": {"ingress": ingress}}), [])
    assert rule.load_balancer_ips == ("203.0.113.1",)


def test_source_ranges_come_from_the_spec_or_the_annotation():
    asked = service(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.0/8 ", "fd00::/8"])
    assert only(asked, []).source_ranges == ("10.0.0.0/8",)
    annotated = service(type="LoadBalancer")
    annotated["metadata"]["annotations"] = {
        "service.beta.kubernetes.io/load-balancer-source-ranges": "192.0.2.0/24, 198.51.100.0/24"
    }
    assert only(annotated, []).source_ranges == ("192.0.2.0/24", "198.51.100.0/24")
    everyone = service(type="LoadBalancer", loadBalancerSourceRanges=["0.0.0.0/0", "10.0.0.0/8"])
    assert only(everyone, []).source_ranges == ()


def test_affinity_has_upstreams_default_time():
    assert only(service(sessionAffinity="ClientIP"), []).affinity_seconds == 10800
    config = {"clientIP": {"timeoutSeconds": 30}}
    assert only(service(sessionAffinity="ClientIP", sessionAffinityConfig=config), []).affinity_seconds == 30
    assert only(service(), []).affinity_seconds == 0


def test_health_checks_count_the_ready_endpoints_of_this_node():
    balanced = service(type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=32000)
    slices = [slice_of([endpoint("10.0.0.1"), endpoint("10.0.0.2", node="n2"), endpoint("10.0.0.3", ready=False)])]
    check = health_check_of(balanced, slices, HERE)
    assert check is not None
    assert (check.node_port, check.local_endpoints) == (32000, 1)
    assert health_check_of(service(), slices, HERE) is None
