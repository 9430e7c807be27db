"""Which resources a pod is granted when it asks for others, and what that changes of its containers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.node.containers.resources import container_resources
from cloudk8s.node.pods import resize

from .given import each, pod, run, seen

ALLOCATABLE = {"cpu": "2", "memory": "1Gi"}


def sized(cpu: str = "", memory: str = "", cpu_limit: str = "", memory_limit: str = "") -> dict[str, Any]:
    parts = {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu_limit, "memory": memory_limit}}
    return {kind: {key: value for key, value in amounts.items() if value} for kind, amounts in parts.items()}


def of(*resources: dict[str, Any], **fields: Any) -> Object:
    containers = [each(f"c{number}", resources=amounts, **fields) for number, amounts in enumerate(resources)]
    return pod(containers=containers)


def changes(before: Object, after: Object) -> dict[str, bool]:
    """Containers that get other limits, and whether they are restarted for it."""
    runs = [
        replace(run(container["name"]), resources=container_resources(before, container, memory_capacity=1 << 30))
        for container in before["spec"]["containers"]
    ]
    steps = resize.steps(after, resize.wanted(after), seen(*runs), memory_capacity=1 << 30)
    return {step.container["name"]: step.needs_restart for step in steps}


def test_each_container_that_gets_other_limits_is_changed() -> None:
    before = of(
        sized("20m", "35Mi", "20m", "35Mi"), sized("21m", "36Mi", "21m", "36Mi"), sized("22m", "37Mi", "22m", "37Mi")
    )
    after = of(
        sized("25m", "35Mi", "25m", "35Mi"), sized("16m", "41Mi", "16m", "41Mi"), sized("22m", "37Mi", "22m", "37Mi")
    )
    assert changes(before, after) == {"c0": False, "c1": False}


def test_limits_and_requests_can_be_added() -> None:
    assert changes(of(sized("20m", "35Mi")), of(sized("20m", "35Mi", "40m", "70Mi"))) == {"c0": False}
    assert changes(of({}), of(sized("20m", "35Mi"))) == {"c0": False}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (sized("2m", cpu_limit="10m"), sized("1m", cpu_limit="5m")),
        (sized("1m"), sized("2m")),
        (sized("1"), sized("1000m")),
    ],
)
def test_amounts_that_the_kernel_can_not_tell_apart_change_nothing(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert changes(of(before), of(after)) == {}
    assert resize.decide(of(after), resize.wanted(of(before)), [], ALLOCATABLE).reason == ""


def test_a_container_may_ask_to_be_restarted_for_one_of_both() -> None:
    policies = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}, {"resourceName": "cpu"}]
    before = of(sized("20m", "35Mi", "20m", "35Mi"), resizePolicy=policies)
    assert changes(before, of(sized("25m", "35Mi", "25m", "35Mi"), resizePolicy=policies)) == {"c0": False}
    assert changes(before, of(sized("20m", "40Mi", "20m", "40Mi"), resizePolicy=policies)) == {"c0": True}


@pytest.mark.parametrize(
    ("cpu", "others", "reason"),
    [("1500m", [], ""), ("3", [], "Infeasible"), ("1500m", ["1"], "Deferred"), ("500m", ["1"], "")],
)
def test_there_must_be_room(cpu: str, others: list[str], reason: str) -> None:
    granted = resize.wanted(of(sized("100m")))
    decision = resize.decide(of(sized(cpu)), granted, [of(sized(other)) for other in others], ALLOCATABLE)
    assert decision.reason == reason
    assert decision.granted == (granted if reason else resize.wanted(of(sized(cpu))))
    kinds = [each["type"] for each in decision.conditions(is_in_progress=not reason)]
    assert kinds == (["PodResizePending"] if reason else ["PodResizeInProgress"])


def test_a_pod_has_what_its_status_says_until_it_is_granted_more() -> None:
    asking = of(sized("300m"))
    shown = {"name": "c0", "state": {"running": {"startedAt": "x"}}, "resources": {"requests": {"cpu": "100m"}}}
    asking["status"] = {"containerStatuses": [shown]}
    assert resize.remembered(asking) == {"c0": {"requests": {"cpu": "100m"}}}
    shown["state"] = {"waiting": {}}
    assert resize.remembered(asking) == resize.wanted(asking)
