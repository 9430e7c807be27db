"""Workloads that are refused, and why."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.api.strategies.catalog import strategies
from tests.api.strategies.judging import changed, made, refused, template

SELECTOR = {"matchLabels": {"app": "web"}}
DEPLOYMENT: dict[str, Any] = {"selector": SELECTOR, "template": template()}
JOB: dict[str, Any] = {"template": {"spec": {"restartPolicy": "Never", **template()["spec"]}}}


@pytest.mark.parametrize(
    ("spec", "findings"),
    [
        ({}, []),
        ({"replicas": -1}, ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]),
        (
            {"selector": {"matchLabels": {"app": "other"}}},
            [
                'spec.template.metadata.labels: Invalid value: {"app":"web"}: '
                "`selector` does not match template `labels`"
            ],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
        ),
        (
            {"strategy": {"type": "Odd"}},
            [
                'spec.strategy: Unsupported value: {"Type":"Odd","RollingUpdate":null}: '
                'supported values: "Recreate", "RollingUpdate"'
            ],
        ),
        (
            {"minReadySeconds": 9, "progressDeadlineSeconds": 9},
            ["spec.progressDeadlineSeconds: Invalid value: 9: must be greater than minReadySeconds"],
        ),
    ],
)
def test_deployment(spec: dict[str, Any], findings: list[str]) -> None:
    assert refused("apps/v1", "Deployment", spec=DEPLOYMENT | spec) == findings


def test_selector_of_a_deployment_stays() -> None:
    old = made("apps/v1", "Deployment", spec=DEPLOYMENT)
    labels = {"app": "web", "tier": "x"}
    spec = {"selector": {"matchLabels": {"tier": "x"}}, "template": template() | {"metadata": {"labels": labels}}}
    assert changed(old, spec=old["spec"] | spec) == [
        'spec.selector: Invalid value: {"matchLabels":{"tier":"x"}}: field is immutable'
    ]


def test_statefulset_changes_only_some_fields() -> None:
    old = made("apps/v1", "StatefulSet", spec=DEPLOYMENT | {"serviceName": "web"})
    assert changed(old, spec=old["spec"] | {"replicas": 3, "minReadySeconds": 1}) == []
    (finding,) = changed(old, spec=old["spec"] | {"serviceName": "other"})
    assert finding.startswith("spec: Forbidden: updates to statefulset spec for fields other than 'replicas'")


def test_daemonset_goes_one_way_at_a_time() -> None:
    strategy = {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}
    assert refused("apps/v1", "DaemonSet", spec=DEPLOYMENT | {"updateStrategy": strategy}) == [
        "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"
    ]


def test_replication_controller_needs_a_template() -> None:
    assert refused("v1", "ReplicationController", spec={}) == [
        "spec.selector: Required value",
        "spec.template: Required value",
    ]


@pytest.mark.parametrize(
    ("spec", "findings"),
    [
        ({}, []),
        (
            {"template": template()},
            ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
        ),
        (
            {"completionMode": "Indexed", "completions": 3, "successPolicy": {"rules": [{"succeededIndexes": "0,5"}]}},
            [
                'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,5": '
                'error parsing succeededIndexes: too large index: "5"'
            ],
        ),
        (
            {"podFailurePolicy": {"rules": [{"action": "Count", "onExitCodes": {"operator": "In", "values": [2, 1]}}]}},
            [
                "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1]: must be ordered",
            ],
        ),
        (
            {"managedBy": "me"},
            ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
        ),
    ],
)
def test_job(spec: dict[str, Any], findings: list[str]) -> None:
    assert refused("batch/v1", "Job", spec=JOB | spec) == findings


def test_suspended_job_may_be_placed_anew() -> None:
    old = made("batch/v1", "Job", spec=JOB | {"suspend": True})
    template_spec = old["spec"]["template"]["spec"]
    moved = {**old["spec"]["template"], "spec": {**template_spec, "nodeSelector": {"zone": "a"}}}
    assert changed(old, spec=old["spec"] | {"template": moved}) == []
    renamed = {**old["spec"]["template"], "spec": {**template_spec, "hostname": "x"}}
    (finding,) = changed(old, spec=old["spec"] | {"template": renamed})
    assert finding.endswith("field is immutable")


def test_job_ends_once() -> None:
    old = made("batch/v1", "Job", spec=JOB)
    failed = [{"type": kind, "status": "True"} for kind in ("FailureTarget", "Failed")]
    ended = old | {"status": {"conditions": failed, "startTime": "2024-01-01T00:00:00Z"}}
    assert changed(old, "status", status=ended["status"]) == []
    assert changed(ended, "status", status={"startTime": "2024-01-01T00:00:00Z"}) == [
        "status.conditions: Invalid value: cannot disable the terminal Failed=True condition",
        "status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition",
    ]


@pytest.mark.parametrize(
    ("spec", "findings"),
    [
        ({}, []),
        ({"schedule": ""}, ["spec.schedule: Required value"]),
        (
            {"schedule": "TZ=UTC 0 0 * * *"},
            [
                'spec.schedule: Invalid value: "TZ=UTC 0 0 * * *": '
                "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            ],
        ),
        ({"timeZone": "Nowhere/X"}, ['spec.timeZone: Invalid value: "Nowhere/X": unknown time zone Nowhere/X']),
        (
            {"concurrencyPolicy": "X"},
            ['spec.concurrencyPolicy: Unsupported value: "X": supported values: "Allow", "Forbid", "Replace"'],
        ),
    ],
)
def test_cron_job(spec: dict[str, Any], findings: list[str]) -> None:
    body = {"schedule": "@daily", "jobTemplate": {"spec": JOB}}
    assert refused("batch/v1", "CronJob", spec=body | spec) == findings


def test_budget_says_one_thing() -> None:
    findings = refused("policy/v1", "PodDisruptionBudget", spec={"minAvailable": 1, "maxUnavailable": "150%"})
    assert [finding.partition(":")[0] for finding in findings] == ["spec", "spec.maxUnavailable"]


@pytest.mark.parametrize(
    ("version", "given", "stored"),
    [
        ("1.37", {}, {"partition": 0, "maxUnavailable": 1}),
        ("1.37", {"rollingUpdate": {"maxUnavailable": "50%"}}, {"partition": 0, "maxUnavailable": "50%"}),
        ("1.36", {}, {"partition": 0}),
        ("1.36", {"rollingUpdate": {"maxUnavailable": 2}}, {"partition": 0}),
    ],
)
def test_statefulsets_have_max_unavailable_from_1_37(
    version: str, given: dict[str, Any], stored: dict[str, Any]
) -> None:
    strategy = strategies(version)["apps", "StatefulSet"]
    obj = {"metadata": {"name": "a"}, "spec": {**DEPLOYMENT, "updateStrategy": dict(given)}}
    strategy.set_defaults(obj)
    strategy.prepare_create(obj)
    assert obj["spec"]["updateStrategy"]["rollingUpdate"] == stored


@pytest.mark.parametrize(("version", "findings"), [("1.25", 0), ("1.31", 0), ("1.32", 1), ("1.37", 1)])
def test_older_versions_trust_the_controller_of_jobs(version: str, findings: int) -> None:
    """Since others may manage Jobs their end is believed only after what leads to it; older controllers skip that."""
    job = made("batch/v1", "Job", spec=JOB)
    end = {"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:00:01Z"}
    done = {**job, "status": {**end, "conditions": [{"type": "Complete", "status": "True"}], "succeeded": 1}}
    found = strategies(version)["batch", "Job"].validate_update(done, job, "status")
    assert len(found) == findings
