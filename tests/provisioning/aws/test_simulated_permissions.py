"""What IAM's simulator is asked, and what is made of its answer; the emulator has none."""

from __future__ import annotations

from typing import Any, cast

import pytest

from cloudk8s.plugin import NetworkRequest
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.cluster.checks.permissions import doubtful
from cloudk8s_aws.permissions import policy

ACCOUNT = "123456789012"


class Simulator:
    """Refuses some actions."""

    region, is_whole = "eu-central-1", True

    def __init__(self, arn: str, refused: set[str]) -> None:
        self.arn, self.refused = arn, refused
        self.asked: list[dict[str, Any]] = []

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "get_caller_identity":
            return {"Arn": self.arn, "Account": ACCOUNT}
        if operation == "get_role":
            return {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/path/{parameters['RoleName']}"}}
        self.asked.append(parameters)
        names = parameters["ActionNames"]
        decisions = {name: "implicitDeny" if name in self.refused else "allowed" for name in names}
        return {"EvaluationResults": [{"EvalActionName": n, "EvalDecision": d} for n, d in decisions.items()]}


def said(simulator: Simulator) -> list[str]:
    found = list(doubtful(cast(AwsApi, simulator), NetworkRequest("demo", "u")))
    assert not any(entry.is_fatal for entry in found)
    return [entry.message for entry in found]


def test_every_action_of_the_policy_is_asked_about_with_resources_that_it_means() -> None:
    simulator = Simulator(f"arn:aws:iam::{ACCOUNT}:user/me", set())
    assert said(simulator) == []
    asked = {name for entry in simulator.asked for name in entry["ActionNames"]}
    assert asked == {name for statement in policy()["Statement"] for name in statement["Action"]}
    resources = {text for entry in simulator.asked for text in entry["ResourceArns"]}
    assert f"arn:aws:iam::{ACCOUNT}:role/cloudk8s/eu-central-1/demo/example" in resources
    assert f"arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/cloudk8s/eu-central-1/demo/example" in resources
    assert not [text for text in resources if text != "*" and "*" in text]


def test_what_may_be_refused_is_named() -> None:
    simulator = Simulator(f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/me", {"iam:CreateRole", "ec2:CreateVpc"})
    (message,) = said(simulator)
    assert "ec2:CreateVpc, iam:CreateRole" in message
    assert {entry["PolicySourceArn"] for entry in simulator.asked} == {f"arn:aws:iam::{ACCOUNT}:role/path/admin"}


@pytest.mark.parametrize("arn", [f"arn:aws:iam::{ACCOUNT}:root"])
def test_the_root_of_an_account_is_not_asked_about(arn: str) -> None:
    simulator = Simulator(arn, {"iam:CreateRole"})
    assert said(simulator) == []
    assert simulator.asked == []
