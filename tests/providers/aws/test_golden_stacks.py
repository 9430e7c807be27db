"""A1: the stack of each set of annotations, as reviewed JSON. `UPDATE_GOLDEN=1 pytest …` writes what is built now."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.cloud.stack.resource import Stack
from cloudk8s.plugin import HealthCheck, LoadBalancerRequest, NodeRef, PodTarget, ServiceKey, ServicePort
from cloudk8s_aws.load_balancers.model import Environment, build_nlb
from cloudk8s_aws.load_balancers.options import nlb_options
from cloudk8s_aws.load_balancers.values import PREFIX

GOLDEN = Path(__file__).parent / "golden"
ENVIRONMENT = Environment("vpc-1", ("subnet-1", "subnet-2"), "sg-shared", tags={"owner": "platform"})
REQUEST = LoadBalancerRequest(
    ServiceKey("11112222-3333-4444-5555-666677778888", "shop", "web"), "prod",
    (ServicePort(80, 30080, name="http"), ServicePort(443, 30443, name="https")),
    nodes=(NodeRef("n1", provider_id="aws:///eu-central-1a/i-0aaa"),),
)  # fmt: skip
LOCAL = replace(REQUEST, traffic_policy="Local", health_check=HealthCheck("HTTP", 32100, "/healthz"))
MIXED = replace(REQUEST, ports=(ServicePort(53, 30053, "TCP", "t"), ServicePort(53, 30053, "UDP", "u")))
PODS = replace(REQUEST, pods=(PodTarget("10.1.0.4", 8080, "http"), PodTarget("10.1.0.5", 8443, "https")))
RANGES = replace(REQUEST, source_ranges=("10.0.0.0/8", "2001:db8::/32"))

CASES: dict[str, tuple[LoadBalancerRequest, dict[str, str]]] = {
    "plain": (REQUEST, {}),
    "internal": (REQUEST, {"scheme": "internal", "private-ipv4-addresses": "10.0.0.4,10.0.1.4"}),
    "fixed-addresses": (REQUEST, {"eip-allocations": "eipalloc-1,eipalloc-2"}),
    "tls": (
        REQUEST,
        {"ssl-cert": "arn:cert", "ssl-ports": "443", "ssl-negotiation-policy": "TLS13", "alpn-policy": "HTTP2Only"},
    ),
    "tls-to-targets": (REQUEST, {"ssl-cert": "arn:cert", "backend-protocol": "ssl"}),
    "several-certificates": (REQUEST, {"ssl-cert": "arn:one,arn:three,arn:two", "ssl-ports": "https"}),
    "dual-stack": (replace(REQUEST, ip_families=("IPv4", "IPv6")), {}),
    "affinity": (replace(REQUEST, session_affinity="ClientIP"), {}),
    "named": (REQUEST, {"name": "shop-web", "scheme": "internal", "target-node-labels": "role=edge"}),
    "nlb-ip": (PODS, {"type": "nlb-ip"}),
    "local": (LOCAL, {}),
    "mixed-protocols": (MIXED, {}),
    "pods": (PODS, {"nlb-target-type": "ip", "target-group-attributes": "preserve_client_ip.enabled=true"}),
    "source-ranges": (RANGES, {"ip-address-type": "dualstack"}),
    "own-groups": (REQUEST, {"security-groups": "sg-a,sg-b", "manage-backend-security-group-rules": "false"}),
    "logs-and-attributes": (
        REQUEST,
        {
            "access-log-enabled": "true", "access-log-s3-bucket-name": "logs", "access-log-s3-bucket-prefix": "web",
            "cross-zone-load-balancing-enabled": "true", "attributes": "deletion_protection.enabled=true",
            "additional-resource-tags": "team=a,kubernetes.io/cluster/prod=stolen", "proxy-protocol": "*",
        },
    ),
    "health-check": (
        REQUEST,
        {
            "healthcheck-protocol": "tcp", "healthcheck-port": "traffic-port", "healthcheck-interval": "30",
            "healthcheck-healthy-threshold": "5", "healthcheck-unhealthy-threshold": "5", "healthcheck-timeout": "9",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_stack_is_as_reviewed(name: str) -> None:
    request, annotations = CASES[name]
    request = replace(request, annotations={PREFIX + key: text for key, text in annotations.items()})
    built: dict[str, Any] = build_nlb(request, nlb_options(request), ENVIRONMENT).as_dict()
    mark = built["resources"][-1]["properties"]
    mark["digest"], mark["targets"] = "(digest)", "(digest)"
    path = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(json.dumps({"annotations": annotations, "stack": built}, indent=2) + "\n")
    assert json.loads(path.read_text())["stack"] == built
    assert Stack.from_dict(built).as_dict() == built


def test_every_reviewed_stack_is_tested() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(CASES)
