"""A1: every annotation of a network load balancer, and what it becomes in the stack."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloudk8s.cloud.stack.resource import Resource, Stack
from cloudk8s.errors import Unsupported
from cloudk8s.plugin import HealthCheck, LoadBalancerRequest, NodeRef, PodTarget, ServiceKey, ServicePort
from cloudk8s_aws.load_balancers.model import Environment, build_nlb
from cloudk8s_aws.load_balancers.options import nlb_options
from cloudk8s_aws.load_balancers.values import PREFIX

ENVIRONMENT = Environment("vpc-1", ("subnet-1", "subnet-2"), "sg-shared")
NODES = (NodeRef("n1", provider_id="aws:///us-east-1a/i-0aaa"), NodeRef("n2", provider_id="kwok://n2"))
REQUEST = LoadBalancerRequest(
    ServiceKey("11112222-3333-4444-5555-666677778888", "shop", "web-front"), "prod",
    (ServicePort(80, 30080, name="http"), ServicePort(443, 30443, name="https")), nodes=NODES,
)  # fmt: skip
CERTIFICATE = "arn:aws:acm:us-east-1:1:certificate/1"


def build(request: LoadBalancerRequest = REQUEST, probe: str = "shared", **annotations: Any) -> Stack:
    named = {PREFIX + name.replace("_", "-"): value for name, value in annotations.items()}
    request = replace(request, annotations=named)
    return build_nlb(request, nlb_options(request, probe=probe), ENVIRONMENT)


def one(stack: Stack, type: str, number: int = 0) -> dict[str, Any]:
    found: list[Resource] = [resource for resource in stack.resources if resource.type == type]
    return dict(found[number].properties)


def test_the_plain_stack() -> None:
    stack = build()
    assert [resource.key.partition("/")[0] for resource in stack.resources] == [
        "security-group", "target-group", "target-group", "load-balancer", "listener", "listener", "mark",
    ]  # fmt: skip
    assert one(stack, "security-group")["rules"] == [
        "icmp 3-4 from 0.0.0.0/0",
        "tcp 443-443 from 0.0.0.0/0",
        "tcp 80-80 from 0.0.0.0/0",
    ]
    group = one(stack, "target-group")
    assert (group["protocol"], group["port"], group["target_type"]) == ("TCP", 30080, "instance")
    assert group["members"] == ["i-0aaa:30080"]
    assert group["health_check"] == {
        "protocol": "HTTP", "port": "10256", "path": "/healthz", "codes": "200-399", "interval": 10, "timeout": 6,
        "healthy": 2, "unhealthy": 2,
    }  # fmt: skip
    balancer = one(stack, "load-balancer")
    assert (balancer["scheme"], balancer["ip_address_type"]) == ("internet-facing", "ipv4")
    assert balancer["security_groups"][-1] == "sg-shared"
    assert balancer["tags"] == {"kubernetes.io/cluster/prod": "owned", "kubernetes.io/service-name": "shop/web-front"}


def test_names_are_deterministic_readable_and_short_enough() -> None:
    name = one(build(), "load-balancer")["name"]
    assert name == one(build(), "load-balancer")["name"]
    assert name.startswith("k8s-webfront-")
    assert len(name) <= 32


@pytest.mark.parametrize(
    ("annotations", "scheme"),
    [
        ({"internal": "true"}, "internal"),
        ({"internal": "0.0.0.0/0"}, "internal"),
        ({"internal": "false"}, "internet-facing"),
        ({"internal": ""}, "internet-facing"),
        ({"scheme": "internal"}, "internal"),
        ({"scheme": "internet-facing", "internal": "true"}, "internet-facing"),
        ({"type": "external"}, "internal"),
        ({"type": "nlb"}, "internet-facing"),
    ],
)
def test_scheme(annotations: dict[str, Any], scheme: str) -> None:
    assert one(build(**annotations), "load-balancer")["scheme"] == scheme


def test_the_class_of_the_load_balancer_controller_is_internal_by_default() -> None:
    request = replace(REQUEST, load_balancer_class="service.k8s.aws/nlb")
    assert one(build(request), "load-balancer")["scheme"] == "internal"


def test_a_scheme_change_makes_another_load_balancer() -> None:
    public, private = build(), build(internal="true")
    keys = [next(r.key for r in stack.resources if r.type == "load-balancer") for stack in (public, private)]
    assert keys[0] != keys[1]


def test_own_security_groups_replace_the_generated_one_and_get_no_rules() -> None:
    stack = build(security_groups="sg-a, sg-b")
    assert not [resource for resource in stack.resources if resource.type == "security-group"]
    assert one(stack, "load-balancer")["security_groups"] == ["sg-a", "sg-b", "sg-shared"]
    without = build(security_groups="sg-a", manage_backend_security_group_rules="false")
    assert one(without, "load-balancer")["security_groups"] == ["sg-a"]


def test_tls_on_all_ports_some_ports_and_to_the_targets() -> None:
    stack = build(ssl_cert=CERTIFICATE)
    assert [one(stack, "listener", n)["protocol"] for n in (0, 1)] == ["TLS", "TLS"]
    assert one(stack, "target-group")["protocol"] == "TCP"
    for ports in ("443", "https"):
        some = build(ssl_cert=CERTIFICATE, ssl_ports=ports, ssl_negotiation_policy="TLS13", alpn_policy="HTTP2Optional")
        assert [one(some, "listener", n)["protocol"] for n in (0, 1)] == ["TCP", "TLS"]
        assert one(some, "listener", 1)["certificates"] == [CERTIFICATE]
        assert (one(some, "listener", 1)["ssl_policy"], one(some, "listener", 1)["alpn"]) == ("TLS13", "HTTP2Optional")
    through = build(ssl_cert=CERTIFICATE, backend_protocol="ssl")
    assert one(through, "target-group")["protocol"] == "TLS"


def test_udp_ports_are_never_tls() -> None:
    request = replace(REQUEST, ports=(ServicePort(53, 30053, "UDP"),))
    assert one(build(request, ssl_cert=CERTIFICATE), "listener")["protocol"] == "UDP"


def test_tcp_and_udp_on_one_port_share_a_listener() -> None:
    ports = (ServicePort(53, 30053, "TCP", "t"), ServicePort(53, 30053, "UDP", "u"), ServicePort(80, 30080, "TCP", "h"))
    stack = build(replace(REQUEST, ports=ports))
    assert [one(stack, "listener", n)["protocol"] for n in (0, 1)] == ["TCP_UDP", "TCP"]
    apart = (ServicePort(53, 30053, "TCP", "t"), ServicePort(53, 30054, "UDP", "u"))
    with pytest.raises(Unsupported, match="different node ports"):
        build(replace(REQUEST, ports=apart))


def test_local_policy_probes_the_services_own_health_port() -> None:
    request = replace(REQUEST, traffic_policy="Local", health_check=HealthCheck("HTTP", 32100, "/healthz"))
    check = one(build(request, probe="per-port"), "target-group")["health_check"]
    assert (check["protocol"], check["port"], check["interval"]) == ("HTTP", "32100", 10)


def test_cluster_policy_may_probe_the_node_port() -> None:
    check = one(build(probe="per-port"), "target-group")["health_check"]
    assert check == {
        "protocol": "TCP", "port": "traffic-port", "interval": 30, "timeout": 10, "healthy": 3, "unhealthy": 3,
    }  # fmt: skip


def test_health_check_annotations() -> None:
    stack = build(
        healthcheck_protocol="https", healthcheck_port="8443", healthcheck_path="/ready",
        healthcheck_healthy_threshold="5", healthcheck_unhealthy_threshold="4", healthcheck_timeout="7",
        healthcheck_interval="15", healthcheck_success_codes="200",
    )  # fmt: skip
    assert one(stack, "target-group")["health_check"] == {
        "protocol": "HTTPS", "port": "8443", "path": "/ready", "codes": "200", "interval": 15, "timeout": 7,
        "healthy": 5, "unhealthy": 4,
    }  # fmt: skip


def test_what_a_target_group_can_not_change_makes_another_one() -> None:
    def key(**annotations: Any) -> str:
        return next(r.key for r in build(**annotations).resources if r.type == "target-group")

    assert key() == key(healthcheck_path="/ready")
    assert key() != key(healthcheck_interval="30")
    assert key() != key(healthcheck_protocol="tcp")
    assert key() != key(nlb_target_type="ip")


def test_attributes_have_defaults_so_that_they_also_go_back() -> None:
    balancer = one(build(), "load-balancer")
    assert balancer["attribute:load_balancing.cross_zone.enabled"] == "false"
    assert balancer["attribute:access_logs.s3.enabled"] == "false"
    assert "attribute:access_logs.s3.bucket" not in balancer
    balancer = one(
        build(
            cross_zone_load_balancing_enabled="true", access_log_enabled="true", access_log_s3_bucket_name="logs",
            access_log_s3_bucket_prefix="web", attributes="deletion_protection.enabled=true",
        ),
        "load-balancer",
    )  # fmt: skip
    assert balancer["attribute:load_balancing.cross_zone.enabled"] == "true"
    assert balancer["attribute:access_logs.s3.bucket"] == "logs"
    assert balancer["attribute:access_logs.s3.prefix"] == "web"
    assert balancer["attribute:deletion_protection.enabled"] == "true"


def test_target_attributes_affinity_and_proxy_protocol() -> None:
    group = one(build(target_group_attributes="preserve_client_ip.enabled=false", proxy_protocol="*"), "target-group")
    assert group["attribute:preserve_client_ip.enabled"] == "false"
    assert group["attribute:proxy_protocol_v2.enabled"] == "true"
    sticky = one(build(replace(REQUEST, session_affinity="ClientIP")), "target-group")
    assert sticky["attribute:stickiness.enabled"] == "true"
    assert sticky["attribute:stickiness.type"] == "source_ip"


def test_fixed_addresses_go_with_their_subnets() -> None:
    balancer = one(build(eip_allocations="eipalloc-1,eipalloc-2"), "load-balancer")
    assert balancer["subnets"] == [
        {"SubnetId": "subnet-1", "AllocationId": "eipalloc-1"},
        {"SubnetId": "subnet-2", "AllocationId": "eipalloc-2"},
    ]
    private = one(build(internal="true", private_ipv4_addresses="10.0.0.4,10.0.1.4"), "load-balancer")
    assert private["subnets"][0] == {"SubnetId": "subnet-1", "PrivateIPv4Address": "10.0.0.4"}


def test_ip_targets_are_pods() -> None:
    pods = (
        PodTarget("10.1.0.4", 8080, "http"),
        PodTarget("10.1.0.4", 8443, "https"),
        PodTarget("10.1.0.5", 8080, "http"),
    )
    stack = build(replace(REQUEST, pods=pods), nlb_target_type="ip")
    assert one(stack, "target-group")["members"] == ["10.1.0.4:8080", "10.1.0.5:8080"]
    assert one(stack, "target-group", 1)["members"] == ["10.1.0.4:8443"]
    assert one(stack, "target-group")["target_type"] == "ip"


def test_dual_stack_follows_the_service_or_the_annotation() -> None:
    assert one(build(ip_address_type="dualstack"), "load-balancer")["ip_address_type"] == "dualstack"
    both = replace(REQUEST, ip_families=("IPv4", "IPv6"))
    assert one(build(both), "load-balancer")["ip_address_type"] == "dualstack"


def test_user_tags_never_override_ownership() -> None:
    tags = one(build(additional_resource_tags="team=a,kubernetes.io/cluster/prod=shared,empty="), "load-balancer")[
        "tags"
    ]
    assert tags["team"] == "a"
    assert tags["empty"] == ""
    assert tags["kubernetes.io/cluster/prod"] == "owned"


def test_what_has_no_effect_is_said() -> None:
    request = replace(REQUEST, annotations={f"{PREFIX}connection-idle-timeout": "60", f"{PREFIX}tpye": "nlb"})
    assert nlb_options(request).warnings == (
        "annotation aws-load-balancer-connection-idle-timeout has no effect on a network load balancer",
        "annotation aws-load-balancer-tpye is not known",
    )


@pytest.mark.parametrize(
    ("annotations", "problem"),
    [
        ({"type": "alb"}, "'alb' is none of"),
        ({"scheme": "public"}, "'public' is none of"),
        ({"healthcheck_interval": "3"}, "'3' is no number from 5 to 300"),
        ({"healthcheck_healthy_threshold": "1"}, "'1' is no number from 2 to 10"),
        ({"healthcheck_port": "http"}, "'http' is neither traffic-port nor a port number"),
        ({"healthcheck_path": "ready"}, "'ready' does not start with /"),
        ({"access_log_enabled": "true"}, "access logs need a bucket"),
        ({"cross_zone_load_balancing_enabled": "yes"}, "'yes' is none of"),
        ({"target_group_attributes": "nope=1"}, "there is no attribute 'nope'"),
        ({"target_group_attributes": "preserve_client_ip.enabled=yes"}, "is true or false, not 'yes'"),
        ({"eip_allocations": "eipalloc-1"}, "1 entries for 2 subnets"),
        ({"eip_allocations": "eipalloc-1", "internal": "true"}, "an internal load balancer has no elastic addresses"),
        ({"private_ipv4_addresses": "10.0.0.4"}, "only an internal load balancer has chosen private addresses"),
        ({"name": "internal-x"}, "is no name"),
        ({"name": "x" * 33}, "is no name"),
        ({"proxy_protocol": "v2"}, "'v2' is none of"),
        ({"alpn_policy": "HTTP2Only"}, "ALPN needs TLS"),
        ({"additional_resource_tags": "=x"}, "an entry has no key"),
    ],
)
def test_what_is_wrong_names_the_annotation(annotations: dict[str, Any], problem: str) -> None:
    with pytest.raises(Unsupported, match=problem) as caught:
        build(**annotations)
    assert "metadata.annotations" in caught.value.field


def test_client_address_can_not_be_lost_with_udp() -> None:
    request = replace(REQUEST, ports=(ServicePort(53, 30053, "UDP"),))
    with pytest.raises(Unsupported, match="can't be false with UDP"):
        build(request, target_group_attributes="preserve_client_ip.enabled=false")
