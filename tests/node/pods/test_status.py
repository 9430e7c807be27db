"""What the API shows of a pod."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.node.pods.status.inputs import StatusInputs, Terminal, Waiting
from cloudk8s.node.pods.status.pod_status import pod_status
from cloudk8s.node.pods.status.qos import qos_class
from cloudk8s.node.runtimes.interface import Container, Resources

from .given import NOW, each, pod, run, seen, sidecar

INIT = (each("i1"), each("i2"))


def show(of: Object, *runs: Container, **fields: Any) -> dict[str, Any]:
    inputs = StatusInputs(NOW, seen(*runs), host_ips=("192.0.2.1",), pod_ips=("10.0.0.1",), runtime_name="r")
    return pod_status(of, replace(inputs, **fields))


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(each for each in status["conditions"] if each["type"] == kind)


def test_a_running_pod_shows_addresses_times_and_containers() -> None:
    status = show(pod("a"), run("a"))

    assert (status["phase"], status["observedGeneration"], status["startTime"]) == (
        "Running",
        3,
        "2026-01-01T12:00:00Z",
    )
    assert (status["podIP"], status["podIPs"], status["hostIP"]) == ("10.0.0.1", [{"ip": "10.0.0.1"}], "192.0.2.1")
    (shown,) = status["containerStatuses"]
    assert shown["containerID"] == "r://a-0"
    assert shown["state"] == {"running": {"startedAt": "2026-01-01T12:00:00Z"}}
    assert (shown["ready"], shown["started"], shown["restartCount"], shown["lastState"]) == (True, True, 0, {})


@pytest.mark.parametrize(
    ("policy", "runs", "phase"),
    [
        ("Always", (), "Pending"),
        ("Always", (run("a"),), "Pending"),
        ("Always", (run("a"), run("b")), "Running"),
        ("Always", (run("a"), run("b", "exited", 1)), "Running"),
        ("Always", (run("a", "exited"), run("b", "exited")), "Running"),
        ("OnFailure", (run("a", "exited"), run("b", "exited", 1)), "Running"),
        ("OnFailure", (run("a", "exited"), run("b", "exited")), "Succeeded"),
        ("Never", (run("a", "exited"), run("b", "exited")), "Succeeded"),
        ("Never", (run("a", "exited"), run("b", "exited", 1)), "Failed"),
        ("Never", (run("a"), run("b", "exited", 1)), "Running"),
    ],
)
def test_phases(policy: str, runs: tuple[Container, ...], phase: str) -> None:
    assert show(pod("a", "b", restartPolicy=policy), *runs)["phase"] == phase


def test_a_pod_that_was_ended_has_failed_or_succeeded_whatever_its_policy() -> None:
    assert show(pod("a"), run("a", "exited", 0), is_stopped=True)["phase"] == "Succeeded"
    assert show(pod("a"), run("a", "exited", 137), is_stopped=True)["phase"] == "Failed"
    assert show(pod("a"), is_stopped=True)["phase"] == "Failed"


def test_what_has_ended_for_good_stays_so() -> None:
    assert show(pod("a"), run("a"), previous={"phase": "Failed", "reason": "Evicted"})["reason"] == "Evicted"


def test_a_decision_of_the_node_is_shown_with_its_reason() -> None:
    status = show(pod("a"), run("a"), terminal=Terminal("Failed", "DeadlineExceeded", "too long"))

    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "DeadlineExceeded", "too long")


def test_initialization_is_shown_step_by_step() -> None:
    waiting = pod("a", init=INIT)

    status = show(waiting, run("i1", "exited"), run("i2"))
    assert status["phase"] == "Pending"
    assert [each["ready"] for each in status["initContainerStatuses"]] == [True, False]
    assert status["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
    assert condition(status, "Initialized")["status"] == "False"
    assert condition(status, "Initialized")["reason"] == "ContainersNotInitialized"
    assert condition(status, "Initialized")["message"] == "containers with incomplete status: [i2]"

    done = show(waiting, run("i1", "exited"), run("i2", "exited"), run("a"))
    assert (done["phase"], condition(done, "Initialized")["status"]) == ("Running", "True")


def test_a_failed_init_container_fails_a_pod_that_never_restarts() -> None:
    assert show(pod("a", init=INIT, restartPolicy="Never"), run("i1", "exited", 1))["phase"] == "Failed"
    assert show(pod("a", init=INIT), run("i1", "exited", 1))["phase"] == "Pending"


def test_a_sidecar_counts_for_readiness_and_keeps_a_finished_pod_running() -> None:
    mixed = pod("a", init=(sidecar("s"),), restartPolicy="Never")

    unready = show(mixed, run("s"), run("a"), ready={"s-0": False})
    assert condition(unready, "ContainersReady")["message"] == "containers with unready status: [s]"
    assert show(mixed, run("s"), run("a", "exited"))["phase"] == "Running"
    assert show(mixed, run("s", "exited", 143), run("a", "exited"))["phase"] == "Succeeded"


def test_readiness_gates_need_their_conditions() -> None:
    gated = pod("a", readinessGates=[{"conditionType": "lb"}])

    status = show(gated, run("a"))
    assert condition(status, "ContainersReady")["status"] == "True"
    assert condition(status, "Ready")["reason"] == "ReadinessGatesNotReady"
    message = 'corresponding condition of pod readiness gate "lb" does not exist.'
    assert condition(status, "Ready")["message"] == message

    gated["status"] = {"conditions": [{"type": "lb", "status": "True"}]}
    status = show(gated, run("a"))
    assert condition(status, "Ready")["status"] == "True"
    assert condition(status, "lb") == {"type": "lb", "status": "True"}


def test_transition_times_stay_while_the_status_does() -> None:
    old = [{"type": "Ready", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}]

    assert (
        condition(show(pod("a"), run("a"), previous={"conditions": old}), "Ready")["lastTransitionTime"][:4] == "2020"
    )
    assert condition(show(pod("a"), previous={"conditions": old}), "Ready")["lastTransitionTime"][:4] == "2026"


def test_a_crashing_container_waits_and_its_last_run_is_remembered() -> None:
    status = show(
        pod("a"), run("a", "exited", 2, attempt=1), waiting={"a": Waiting("CrashLoopBackOff", "back-off 10s")}
    )

    (shown,) = status["containerStatuses"]
    assert shown["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    assert shown["lastState"]["terminated"]["exitCode"] == 2
    assert (shown["restartCount"], status["phase"]) == (1, "Running")


def test_the_run_before_stays_known_when_the_runtime_has_forgotten_it() -> None:
    ended = {"terminated": {"exitCode": 9}}
    previous = {"containerStatuses": [{"name": "a", "restartCount": 0, "state": ended}]}

    status = show(pod("a"), run("a", attempt=1), previous=previous)

    assert status["containerStatuses"][0]["lastState"] == ended


def test_termination_messages_are_shown() -> None:
    status = show(pod("a", restartPolicy="Never"), run("a", "exited", 1), termination_messages={"a-0": "last words"})

    assert status["containerStatuses"][0]["state"]["terminated"]["message"] == "last words"


def test_a_container_that_vanished_while_the_pod_was_ended_is_told() -> None:
    previous = {"containerStatuses": [{"name": "a", "restartCount": 0, "state": {"running": {}}}]}

    status = show(pod("a"), previous=previous, is_terminating=True)

    ended = status["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "ContainerStatusUnknown")


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
        ([{"requests": {"example.com/gpu": "1"}}], "BestEffort"),
    ],
)
def test_quality_of_service(resources: list[dict[str, Any]], quality: str) -> None:
    containers = [each(f"c{index}", resources=amounts) for index, amounts in enumerate(resources)]

    assert qos_class(pod(containers=containers)) == quality


NOW_HAS = Resources(cpu_shares=102, cpu_quota=20_000, memory_limit=64 << 20)
AS_IT_HAS = {"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}}


@pytest.mark.parametrize(
    ("granted", "has", "shown"),
    [
        (AS_IT_HAS, NOW_HAS, AS_IT_HAS),
        (
            {"requests": {"cpu": "1", "memory": "48Mi"}, "limits": {"cpu": "2", "memory": "32Mi"}},
            NOW_HAS,
            {"requests": {"cpu": "100m", "memory": "48Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}},
        ),
        (
            {"requests": {"cpu": "100.0m"}, "limits": {"memory": "67108864"}},
            NOW_HAS,
            {"requests": {"cpu": "100.0m"}, "limits": {"memory": "67108864"}},
        ),
        ({"limits": {"cpu": "1"}}, Resources(cpu_shares=2), {}),
        ({"limits": {"cpu": "5m"}}, Resources(cpu_shares=2, cpu_quota=1000), {"limits": {"cpu": "5m"}}),
        ({"limits": {"cpu": "5m"}}, Resources(cpu_shares=2, cpu_quota=150_000), {"limits": {"cpu": "1500m"}}),
        ({"requests": {"cpu": "3"}}, Resources(cpu_shares=2048), {"requests": {"cpu": "2"}}),
        (AS_IT_HAS, None, AS_IT_HAS),
    ],
    ids=["carried out", "refused", "in other words", "no limit yet", "too fine", "finer", "whole", "not told"],
)
def test_resources_are_those_that_a_container_has(
    granted: dict[str, Any], has: Resources | None, shown: dict[str, Any]
) -> None:
    (status,) = show(pod("a"), run("a", resources=has), allocated={"a": granted})["containerStatuses"]
    assert status["resources"] == shown
    assert status.get("allocatedResources", {}) == granted.get("requests", {})


def test_a_container_that_does_not_run_shows_what_it_would_get() -> None:
    (status,) = show(pod("a"), run("a", "exited", resources=NOW_HAS), allocated={"a": {"limits": {"cpu": "2"}}})[
        "containerStatuses"
    ]
    assert status["resources"] == {"limits": {"cpu": "2"}}
