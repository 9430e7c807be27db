"""What is to be done next for a pod."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.node.pods.plan import Plan, ProbeResults, plan

from .given import each, pod, run, seen, sidecar

INIT = (each("i1"), each("i2"))
SIDE = (sidecar("s1"), each("i1"), sidecar("s2"))


def started(steps: Plan) -> list[str]:
    return [container["name"] for container in steps.starts]


def killed(steps: Plan) -> list[str]:
    return [kill.name for kill in steps.kill]


def test_a_new_pod_gets_a_sandbox_and_all_its_containers() -> None:
    steps = plan(pod("a", "b"), seen(sandbox="none"))

    assert (steps.create_sandbox, steps.sandbox_attempt, started(steps)) == (True, 0, ["a", "b"])


def test_a_running_pod_needs_nothing() -> None:
    assert plan(pod("a"), seen(run("a"))).is_idle


def test_a_lost_sandbox_is_made_anew_with_everything_that_should_run() -> None:
    steps = plan(pod("a", "b"), seen(run("a", "exited", 1), run("b", "exited"), sandbox="notready"))

    assert (steps.create_sandbox, steps.sandbox_attempt, started(steps)) == (True, 1, ["a", "b"])


def test_a_lost_sandbox_ends_a_pod_that_never_restarts() -> None:
    steps = plan(pod("a", restartPolicy="Never"), seen(run("a", "exited", 1), sandbox="notready"))

    assert (steps.kill_pod, steps.create_sandbox) == (True, False)


def test_what_has_succeeded_does_not_come_again_in_a_new_sandbox() -> None:
    lost = seen(run("a", "exited", 0), run("b", "exited", 1), sandbox="notready")

    assert started(plan(pod("a", "b", restartPolicy="OnFailure"), lost)) == ["b"]


@pytest.mark.parametrize(
    ("policy", "code", "restarted"),
    [("Always", 0, True), ("Always", 1, True), ("OnFailure", 0, False), ("OnFailure", 1, True), ("Never", 1, False)],
)
def test_restart_policies(policy: str, code: int, restarted: bool) -> None:
    steps = plan(pod("a", "b", restartPolicy=policy), seen(run("a", "exited", code), run("b")))

    assert started(steps) == (["a"] if restarted else [])


def test_a_container_may_have_a_policy_and_rules_of_its_own() -> None:
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
    own = pod(
        restartPolicy="Always", containers=[each("a", restartPolicy="Never", restartPolicyRules=[rule]), each("b")]
    )

    assert started(plan(own, seen(run("a", "exited", 42), run("b")))) == ["a"]
    assert started(plan(own, seen(run("a", "exited", 1), run("b")))) == []


def test_a_pod_whose_containers_are_all_done_is_ended() -> None:
    steps = plan(pod("a", restartPolicy="Never"), seen(run("a", "exited", 0)))

    assert steps.kill_pod


def test_a_pod_being_deleted_starts_nothing() -> None:
    deleted = pod("a", "b")
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z"

    assert started(plan(deleted, seen(run("a"), run("b", "exited", 1)))) == []


def test_a_changed_image_restarts_its_container() -> None:
    changed = pod(containers=[each("a", image="new")])

    steps = plan(changed, seen(run("a")))

    assert (killed(steps), started(steps)) == (["a"], ["a"])
    assert steps.kill[0].message == "Container a definition changed, will be restarted"


@pytest.mark.parametrize(("kind", "policy", "again"), [("liveness", "Always", True), ("startup", "Never", False)])
def test_a_failed_probe_kills_and_restarts_as_the_policy_says(kind: str, policy: str, again: bool) -> None:
    failed: dict[str, Any] = {"startup": {}, "liveness": {}} | {kind: {"a-0": "failure"}}

    steps = plan(pod("a", "b", restartPolicy=policy), seen(run("a"), run("b")), ProbeResults(**failed))

    suffix = ", will be restarted" if again else ""
    assert steps.kill[0].message == f"Container a failed {kind} probe{suffix}"
    assert started(steps) == (["a"] if again else [])


def test_init_containers_come_one_after_another() -> None:
    waiting = pod("a", init=INIT)

    assert started(plan(waiting, seen(sandbox="none"))) == ["i1"]
    assert plan(waiting, seen(run("i1"))).is_idle
    assert started(plan(waiting, seen(run("i1", "exited")))) == ["i2"]
    assert started(plan(waiting, seen(run("i1", "exited"), run("i2", "exited")))) == ["a"]


def test_init_containers_that_were_cleared_away_are_not_repeated() -> None:
    assert plan(pod("a", init=INIT), seen(run("a"))).is_idle
    assert started(plan(pod("a", init=INIT), seen(run("i2", "exited")))) == ["a"]


def test_a_failed_init_container_is_tried_again_or_fails_the_pod() -> None:
    failed = seen(run("i1", "exited", 1))

    assert started(plan(pod("a", init=INIT), failed)) == ["i1"]
    assert started(plan(pod("a", init=INIT, restartPolicy="OnFailure"), failed)) == ["i1"]
    assert plan(pod("a", init=INIT, restartPolicy="Never"), failed).kill_pod


def test_sidecars_are_started_in_their_order_and_kept() -> None:
    mixed = pod("a", init=SIDE)

    assert started(plan(mixed, seen(sandbox="none"))) == ["s1"]
    assert started(plan(mixed, seen(run("s1")))) == ["i1"]
    assert plan(mixed, seen(run("s1"), run("i1"))).is_idle
    assert started(plan(mixed, seen(run("s1"), run("i1", "exited")))) == ["s2"]
    assert started(plan(mixed, seen(run("s1"), run("i1", "exited"), run("s2")))) == ["a"]
    ready = seen(run("s1"), run("i1", "exited"), run("s2"), run("a"))
    assert plan(mixed, ready).is_idle


def test_a_sidecar_that_ended_is_started_again_before_and_after_initialization() -> None:
    mixed = pod("a", init=SIDE)

    assert started(plan(mixed, seen(run("s1", "exited", 1), run("i1")))) == ["s1"]
    late = seen(run("s1", "exited"), run("i1", "exited"), run("s2"), run("a"))
    assert started(plan(mixed, late)) == ["s1"]


def test_a_sidecar_holds_back_what_follows_until_its_startup_probe_succeeds() -> None:
    slow = pod("a", init=(sidecar("s1", startupProbe={"exec": {}}),))

    assert plan(slow, seen(run("s1")), ProbeResults({"s1-0": "unknown"}, {})).is_idle
    assert started(plan(slow, seen(run("s1")), ProbeResults({"s1-0": "success"}, {}))) == ["a"]


def test_sidecars_do_not_keep_a_finished_pod_alive() -> None:
    job = pod("a", init=(sidecar("s1"),), restartPolicy="Never")

    assert plan(job, seen(run("s1"), run("a", "exited", 0))).kill_pod


def test_an_ephemeral_container_is_started_once() -> None:
    debugged = pod("a", ephemeralContainers=[each("debug")])

    assert started(plan(debugged, seen(run("a")))) == ["debug"]
    assert plan(debugged, seen(run("a"), run("debug", "exited", 1))).is_idle
