"""A1 for classic load balancers: the stack of each set of annotations, as reviewed JSON."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.cloud.stack.resource import Stack
from cloudk8s_aws.load_balancers.classic.model import build_classic
from cloudk8s_aws.load_balancers.values import PREFIX
from tests.providers.aws.test_golden_stacks import ENVIRONMENT, LOCAL, RANGES, REQUEST

GOLDEN = Path(__file__).parent / "golden" / "classic"
TLS = {"ssl-cert": "arn:one", "ssl-ports": "443", "ssl-negotiation-policy": "ELBSecurityPolicy-TLS-1-2-2017-01"}
CASES: dict[str, tuple[Any, dict[str, str], str]] = {
    "plain": (REQUEST, {}, "shared"),
    "per-port": (REQUEST, {}, "per-port"),
    "per-port-tls": (REQUEST, {"ssl-cert": "arn:one", "backend-protocol": "https"}, "per-port"),
    "local": (LOCAL, {}, "shared"),
    "internal": (RANGES, {"internal": "true"}, "shared"),
    "http-without-certificate": (REQUEST, {"backend-protocol": "http"}, "shared"),
    "tls": (REQUEST, TLS, "shared"),
    "https": (REQUEST, {**TLS, "backend-protocol": "https"}, "shared"),
    "tls-to-targets": (REQUEST, {"ssl-cert": "arn:one", "backend-protocol": "ssl"}, "shared"),
    "groups": (REQUEST, {"security-groups": "sg-a", "extra-security-groups": "sg-b,sg-c"}, "shared"),
    "attributes": (
        REQUEST,
        {
            "access-log-enabled": "true", "access-log-s3-bucket-name": "logs", "access-log-s3-bucket-prefix": "web",
            "access-log-emit-interval": "5", "connection-draining-enabled": "true", "connection-draining-timeout": "45",
            "connection-idle-timeout": "120", "cross-zone-load-balancing-enabled": "true", "proxy-protocol": "*",
            "additional-resource-tags": "team=a",
        },
        "shared",
    ),
    "health-check": (
        REQUEST,
        {
            "healthcheck-protocol": "http", "healthcheck-port": "9000", "healthcheck-path": "/ready",
            "healthcheck-interval": "20", "healthcheck-timeout": "7", "healthcheck-healthy-threshold": "3",
            "healthcheck-unhealthy-threshold": "4",
        },
        "shared",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_stack_is_as_reviewed(name: str) -> None:
    request, annotations, probe = CASES[name]
    request = replace(request, annotations={PREFIX + key: text for key, text in annotations.items()})
    built: dict[str, Any] = build_classic(request, ENVIRONMENT, probe=probe).as_dict()
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
