from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.controllers.job.policies import judge, success_rule


def job(**spec: Any) -> Object:
    return {"metadata": {"name": "j", "namespace": "n"}, "spec": spec}


def pod(*, codes: dict[str, int] | None = None, init: dict[str, int] | None = None, **conditions: str) -> Object:
    """A failed pod whose containers ended with these codes."""

    def ended(given: dict[str, int] | None) -> list[Object]:
        return [{"name": name, "state": {"terminated": {"exitCode": code}}} for name, code in (given or {}).items()]

    found = [{"type": type, "status": status} for type, status in conditions.items()]
    status = {"phase": "Failed", "containerStatuses": ended(codes), "initContainerStatuses": ended(init)}
    return {"metadata": {"name": "p", "namespace": "n"}, "status": {**status, "conditions": found}}


def on_codes(action: str, operator: str, *values: int, container: str | None = None) -> Object:
    requirement = {"operator": operator, "values": list(values)}
    return {"action": action, "onExitCodes": {**requirement, **({"containerName": container} if container else {})}}


def on_condition(action: str, type: str, status: str | None = None) -> Object:
    return {"action": action, "onPodConditions": [{"type": type, **({"status": status} if status else {})}]}


@pytest.mark.parametrize(
    ("rule", "failed", "action"),
    [
        (on_codes("FailJob", "In", 1, 2), pod(codes={"c": 2}), "FailJob"),
        (on_codes("FailJob", "In", 1, 2), pod(codes={"c": 3}), ""),
        (on_codes("FailJob", "NotIn", 1), pod(codes={"c": 3}), "FailJob"),
        (on_codes("FailJob", "NotIn", 1), pod(codes={"c": 1}), ""),
        (on_codes("Ignore", "NotIn", 1), pod(codes={"c": 0}), ""),
        (on_codes("Ignore", "In", 5, container="c"), pod(codes={"other": 5}), ""),
        (on_codes("Ignore", "In", 5, container="c"), pod(codes={"other": 9, "c": 5}), "Ignore"),
        (on_codes("Count", "In", 5), pod(init={"i": 5}), "Count"),
        (on_condition("Ignore", "DisruptionTarget"), pod(DisruptionTarget="True"), "Ignore"),
        (on_condition("Ignore", "DisruptionTarget"), pod(DisruptionTarget="False"), ""),
        (on_condition("Ignore", "Odd", "Unknown"), pod(Odd="Unknown"), "Ignore"),
    ],
)
def test_what_a_rule_matches(rule: Object, failed: Object, action: str) -> None:
    verdict = judge(job(podFailurePolicy={"rules": [rule]}), failed)
    assert verdict.action == action
    assert verdict.is_counted is (action != "Ignore")


def test_the_first_rule_that_matches_counts_and_says_which_it_is() -> None:
    rules = [on_codes("Count", "In", 9), on_condition("FailJob", "Odd"), on_codes("Ignore", "In", 1)]
    verdict = judge(job(podFailurePolicy={"rules": rules}), pod(codes={"c": 1}, Odd="True"))
    assert (verdict.action, verdict.message) == (
        "FailJob",
        "Pod n/p has condition Odd matching FailJob rule at index 1",
    )


def test_an_index_fails_only_where_indexes_do() -> None:
    rules = {"rules": [on_codes("FailIndex", "In", 1), on_codes("Ignore", "In", 1)]}
    assert judge(job(podFailurePolicy=rules), pod(codes={"c": 1})).action == "Ignore"
    assert judge(job(podFailurePolicy=rules, backoffLimitPerIndex=1), pod(codes={"c": 1})).action == "FailIndex"


@pytest.mark.parametrize(
    ("rules", "succeeded", "rule"),
    [
        ([{"succeededCount": 2}], {0}, None),
        ([{"succeededCount": 2}], {0, 4}, 0),
        ([{"succeededIndexes": "0,2-3"}], {0, 2}, None),
        ([{"succeededIndexes": "0,2-3"}], {0, 2, 3}, 0),
        ([{"succeededIndexes": "0,2-3", "succeededCount": 2}], {0, 1, 3}, 0),
        ([{"succeededIndexes": "9"}, {"succeededIndexes": "1"}], {1}, 1),
        ([{"succeededCount": 1}], set(), None),
    ],
)
def test_what_counts_as_success(rules: list[Object], succeeded: set[int], rule: int | None) -> None:
    assert success_rule(job(successPolicy={"rules": rules}), succeeded, 10) == rule
