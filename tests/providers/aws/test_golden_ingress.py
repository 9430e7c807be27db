"""The stack of Ingresses for each set of annotations, as reviewed JSON. `UPDATE_GOLDEN=1 pytest …` writes them anew."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.cloud.stack.resource import Stack
from cloudk8s.plugin import NodeRef, PodTarget
from cloudk8s.testing.cloud_harness import make_service
from cloudk8s_aws.ingress.authentication import ClientSecret
from cloudk8s_aws.ingress.group import IngressGroup
from cloudk8s_aws.ingress.model import AlbRequest, Backends, build_alb
from cloudk8s_aws.ingress.options import alb_options
from cloudk8s_aws.load_balancers.model import Environment
from tests.providers.aws.test_ingress import ingress, path

GOLDEN = Path(__file__).parent / "golden" / "ingress"
ENVIRONMENT = Environment("vpc-1", ("subnet-1", "subnet-2"), "sg-shared", tags={"owner": "platform"})
BOTH_PORTS = json.dumps([{"HTTP": 80}, {"HTTPS": 443}])
FIXED = {"type": "fixed-response", "fixedResponseConfig": {"contentType": "text/plain", "statusCode": "503"}}
SPLIT = {
    "type": "forward",
    "forwardConfig": {
        "targetGroups": [
            {"serviceName": "web", "servicePort": 80, "weight": 90},
            {"targetGroupARN": "arn:canary", "weight": 10},
        ]
    },
}
QUERY = [{"field": "query-string", "queryStringConfig": {"values": [{"key": "beta", "value": "1"}]}}]

CASES: dict[str, Sequence[Object]] = {
    "plain": [ingress()],
    "hosts-and-paths": [
        ingress("web", path("web"), path("api", "/v1", "Exact", "rest"), path("api", "/v2/"), host="example.com")
    ],
    "group": [
        ingress("api", path("api", "/api"), annotations={"group.name": "shop", "group.order": "1"}),
        ingress("web", annotations={"group.name": "shop", "group.order": "2"}),
    ],
    "https": [
        ingress(annotations={
            "scheme": "internet-facing", "listen-ports": BOTH_PORTS, "ssl-redirect": "443",
            "certificate-arn": "arn:one,arn:two", "ssl-policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "inbound-cidrs": "198.51.100.0/24, 2001:db8::/32", "ip-address-type": "dualstack",
        })
    ],
    "pods": [
        ingress(annotations={
            "target-type": "ip", "backend-protocol": "HTTPS", "backend-protocol-version": "HTTP2",
            "healthcheck-path": "/ready", "healthcheck-port": "9000", "success-codes": "200-204",
            "target-group-attributes": "stickiness.enabled=true,deregistration_delay.timeout_seconds=30",
        })
    ],
    "actions": [
        ingress("web", path("split", port="use-annotation"), path("down", "/old", port="use-annotation"), annotations={
            "actions.split": json.dumps(SPLIT), "actions.down": json.dumps(FIXED),
            "conditions.split": json.dumps(QUERY),
        })
    ],
    "own-things": [
        ingress(annotations={
            "load-balancer-name": "shop", "security-groups": "sg-a,sg-b", "tags": "team=a,cost=7",
            "load-balancer-attributes": "idle_timeout.timeout_seconds=120,deletion_protection.enabled=true",
        })
    ],
    "sign-in": [
        ingress("web", path("web"), path("api", "/api", port="rest"), annotations={
            "listen-ports": BOTH_PORTS, "certificate-arn": "arn:one", "auth-type": "oidc", "auth-scope": "openid email",
            "auth-idp-oidc": json.dumps({
                "issuer": "https://id", "authorizationEndpoint": "https://id/a", "tokenEndpoint": "https://id/t",
                "userInfoEndpoint": "https://id/u", "secretName": "oidc",
            }), "wafv2-acl-arn": "arn:aws:wafv2:eu-central-1:1:regional/webacl/shop/1",
        })
    ],
    "default-backend": [ingress(defaultBackend={"service": {"name": "api", "port": {"name": "rest"}}}, rules=[])],
}  # fmt: skip


def services() -> dict[str, Object]:
    rest = {"name": "rest", "protocol": "TCP", "port": 80, "targetPort": 8080, "nodePort": 30081}
    found = {"web": make_service("web", type="NodePort"), "api": make_service("api", type="NodePort", ports=[rest])}
    for name, service in found.items():
        service["metadata"]["uid"] = f"uid-of-{name}"
    return {f"default/{name}": service for name, service in found.items()}


@pytest.mark.parametrize("name", CASES)
def test_the_stack_is_as_reviewed(name: str) -> None:
    members = [{**entry, "metadata": {**entry["metadata"], "uid": f"uid-{number}"}}
               for number, entry in enumerate(CASES[name])]  # fmt: skip
    group = IngressGroup("group/shop" if len(members) > 1 else "default/web", tuple(members))
    pods = {"default/web": [PodTarget("10.1.0.4", 8080, "http")]}
    nodes = (NodeRef("n1", provider_id="aws:///eu-central-1a/i-0aaa"),)
    backends = Backends(services(), pods, nodes, {"default/oidc": ClientSecret("me", "hush")})
    built: dict[str, Any] = build_alb(AlbRequest("prod", group, alb_options(group), backends), ENVIRONMENT).as_dict()
    path = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(json.dumps(built, indent=2) + "\n")
    assert "hush" not in json.dumps(built)
    assert json.loads(path.read_text()) == built
    assert Stack.from_dict(built).as_dict() == built


def test_every_reviewed_stack_is_tested() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(CASES)
