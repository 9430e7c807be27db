"""Calls that AWS refuses for haste slow their own API down, and no other."""

from __future__ import annotations

import pytest

from cloudk8s.plugin import CloudError
from cloudk8s_aws.api import kind_of
from cloudk8s_aws.testing import AwsWorld


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("describe_instances", "read"), ("list_certificates", "read"), ("get_authorization_token", "read"),
        ("register_targets", "targets"), ("create_listener", "change"), ("delete_tags", "change"),
    ],
)  # fmt: skip
def test_operations_are_counted_by_kind(operation: str, kind: str) -> None:
    assert kind_of(operation) == kind


def test_a_refusal_slows_its_own_api_down(world: AwsWorld) -> None:
    api = world.aws().api
    before = {name: api._pace.rate_of(f"ec2/{name}") for name in ("read", "change")}
    world.throttle(1)
    with pytest.raises(CloudError, match="RequestLimitExceeded"):
        api.call("ec2", "describe_vpcs")
    world.throttle(0)
    assert api._pace.rate_of("ec2/read") < before["read"]
    assert api._pace.rate_of("ec2/change") == before["change"]
    world.timer.pause(600)
    api.call("ec2", "describe_vpcs")
    assert api._pace.rate_of("ec2/read") == before["read"]


def test_a_refusal_that_the_sdk_retries_counts_too(world: AwsWorld) -> None:
    from types import SimpleNamespace

    api = world.aws().api
    before = api._pace.rate_of("elbv2/targets")
    refusal = (None, {"Error": {"Code": "Throttling"}})
    event = {"response": refusal, "operation": SimpleNamespace(name="RegisterTargets")}
    api._client("elbv2").meta.events.emit(
        "needs-retry.elastic-load-balancing-v2.RegisterTargets",
        **event,
        attempts=9,
        caught_exception=None,
        request_dict={"context": {}},
        endpoint=None,
    )
    assert api._pace.rate_of("elbv2/targets") < before
