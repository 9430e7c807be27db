from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition, name_of
from cloudk8s.client.resources import JOBS, POD_DISRUPTION_BUDGETS, PODS, REPLICA_SETS
from cloudk8s.controllers.disruption.controller import DisruptionController
from cloudk8s.errors import NotFound
from cloudk8s.machinery.times import format_time
from cloudk8s.testing.fake_client import Action
from tests.controllers.harness import NS, Harness, daemon_set, deployment, pod, replica_set, running, stateful_set


def budget(**spec: Any) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": NS},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }


def owned(number: int, owner: Object, *, ready: bool = True) -> list[Object]:
    reference = {
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name_of(owner),
        "uid": owner["metadata"]["uid"], "controller": True,
    }  # fmt: skip
    made = [pod(f"web-{i}", labels={"app": "web"}, ownerReferences=[reference]) for i in range(number)]
    for item in made:
        item["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]}
    return made


def with_uid(obj: Object, uid: str) -> Object:
    obj["metadata"]["uid"] = uid
    return obj


def status(run: Harness) -> Object:
    found: Object = run.get(POD_DISRUPTION_BUDGETS, "web").get("status") or {}
    return found


def counts(run: Harness) -> tuple[int, int, int, int]:
    """Expected, desired, healthy, allowed."""
    found = status(run)
    return tuple(found[field] for field in ("expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed"))


@pytest.mark.parametrize(
    ("spec", "pods", "size", "expected"),
    [
        ({"minAvailable": 1}, 3, 3, (3, 1, 3, 2)),
        ({"minAvailable": 3}, 3, 3, (3, 3, 3, 0)),
        ({"minAvailable": 1}, 0, 3, (0, 1, 0, 0)),
        ({"minAvailable": 0}, 0, 3, (0, 0, 0, 0)),
        ({"minAvailable": "50%"}, 3, 5, (5, 3, 3, 0)),
        ({"maxUnavailable": 1}, 3, 3, (3, 2, 3, 1)),
        ({"maxUnavailable": 1}, 3, 4, (4, 3, 3, 0)),
        ({"maxUnavailable": "50%"}, 4, 4, (4, 2, 4, 2)),
        ({"maxUnavailable": 9}, 3, 3, (3, 0, 3, 3)),
    ],
)
async def test_arithmetic(spec: dict[str, Any], pods: int, size: int, expected: tuple[int, ...]) -> None:
    owner = with_uid(replica_set("web", size), "set")
    async with running(DisruptionController, objects=[owner, *owned(pods, owner), budget(**spec)]) as run:
        await run.settle()
        assert counts(run) == expected
        found = condition(run.get(POD_DISRUPTION_BUDGETS, "web"), "DisruptionAllowed")
        assert found is not None
        is_allowed = expected[-1] > 0
        assert (found["status"], found["reason"], found["observedGeneration"]) == (
            ("True", "SufficientPods", 1) if is_allowed else ("False", "InsufficientPods", 1)
        )
        assert status(run)["observedGeneration"] == 1


async def test_a_deployments_size_counts_not_that_of_its_replica_sets() -> None:
    parent = with_uid(deployment("web", 4), "deployment")
    owner = with_uid(replica_set("web-1", 1), "set")
    owner["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "deployment", "controller": True}
    ]
    objects = [parent, owner, *owned(3, owner), budget(maxUnavailable=2)]
    async with running(DisruptionController, objects=objects) as run:
        await run.settle()
        assert counts(run) == (4, 2, 3, 1)


async def test_stateful_sets_count() -> None:
    owner = with_uid(stateful_set("web", 3), "set")
    objects = [owner, *owned(3, owner), budget(maxUnavailable="34%")]
    async with running(DisruptionController, objects=objects) as run:
        await run.settle()
        assert counts(run) == (3, 1, 3, 2)


async def test_health_follows_the_pods() -> None:
    owner = with_uid(replica_set("web", 3), "set")
    async with running(DisruptionController, objects=[owner, *owned(3, owner), budget(minAvailable=2)]) as run:
        await run.settle()
        assert counts(run) == (3, 2, 3, 1)
        await run.set_pod(run.get(PODS, "web-0"), ready=False)
        await run.settle()
        assert counts(run) == (3, 2, 2, 0)
        await run.client.patch(PODS, "web-1", {"metadata": {"labels": {"app": "other"}}}, namespace=NS)
        await run.settle()
        assert counts(run) == (2, 2, 1, 0)


async def test_an_evicted_pod_counts_as_gone_until_it_should_have_been_deleted() -> None:
    owner = with_uid(replica_set("web", 3), "set")
    async with running(DisruptionController, objects=[owner, *owned(3, owner), budget(minAvailable=1)]) as run:
        await run.settle()
        stamp = format_time(run.clock.now())
        evicted = {"status": {"disruptionsAllowed": 1, "disruptedPods": {"web-0": stamp, "gone": stamp}}}
        await run.client.patch(POD_DISRUPTION_BUDGETS, "web", evicted, namespace=NS, subresource="status")
        await run.settle()
        assert counts(run) == (3, 1, 2, 1)
        assert status(run)["disruptedPods"] == {"web-0": stamp}
        await run.settle(125, step=5)
        assert counts(run) == (3, 1, 3, 2)
        assert "disruptedPods" not in status(run)
        message = "Pod was expected by PDB default/web to be deleted but it wasn't"
        assert ("NotDeleted", message) in run.events("web-0")


async def test_pods_without_a_controller_are_pointed_out() -> None:
    alone = pod("web-9", labels={"app": "web"})
    async with running(DisruptionController, objects=[alone, budget(maxUnavailable=1)]) as run:
        await run.settle()
        assert counts(run) == (0, 0, 1, 0)
        assert "UnmanagedPods" in {reason for reason, _ in run.events("web")}


async def test_a_controller_without_a_scale_allows_nothing_and_says_why() -> None:
    owner = with_uid(daemon_set("web"), "set")

    def refuse(action: Action) -> None:
        if action.subresource == "scale":
            raise NotFound("the server could not find the requested resource")

    async with running(DisruptionController) as run:
        run.client.on(refuse)
        for obj in (owner, *owned(2, owner), budget(maxUnavailable=1)):
            run.client.add(obj)
        await run.settle()
        found = condition(run.get(POD_DISRUPTION_BUDGETS, "web"), "DisruptionAllowed")
        assert found is not None
        why = "daemonsets.apps does not implement the scale subresource"
        assert (found["status"], found["reason"], found["message"]) == ("False", "SyncFailed", why)
        assert status(run)["disruptionsAllowed"] == 0
        event = f"Failed to calculate the number of expected pods: {why}"
        assert ("CalculateExpectedPodCountFailed", event) in run.events("web")


async def test_other_kinds_are_asked_for_their_scale() -> None:
    owner: Object = {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "web", "namespace": NS, "uid": "job"},
        "spec": {"replicas": 5},
    }  # fmt: skip
    async with running(DisruptionController, objects=[owner, *owned(4, owner), budget(maxUnavailable=2)]) as run:
        await run.settle()
        assert counts(run) == (5, 3, 4, 1)
        assert JOBS in {action.resource for action in run.client.actions if action.subresource == "scale"}
        assert REPLICA_SETS not in {action.resource for action in run.client.actions if action.verb == "get"}


async def test_a_disruption_that_did_not_come_is_taken_back() -> None:
    async with running(DisruptionController, objects=[pod("web-0")]) as run:
        await run.settle()
        stamp = format_time(run.clock.now())
        target = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
        patch = {"status": {"conditions": [{**target, "lastTransitionTime": stamp}]}}
        await run.client.patch(PODS, "web-0", patch, namespace=NS, type="strategic", subresource="status")
        await run.settle(115, step=5)
        assert condition(run.get(PODS, "web-0"), "DisruptionTarget")["status"] == "True"  # type: ignore[index]
        await run.settle(10, step=5)
        assert condition(run.get(PODS, "web-0"), "DisruptionTarget")["status"] == "False"  # type: ignore[index]


async def test_a_pod_that_two_budgets_select_is_pointed_out() -> None:
    other = {**budget(minAvailable=1), "metadata": {"name": "web-too", "namespace": NS}}
    owner = with_uid(replica_set("web", 1), "set")
    async with running(DisruptionController, objects=[owner, budget(minAvailable=1), other, *owned(1, owner)]) as run:
        await run.settle()
        [(reason, message)] = run.events("web-0")
        assert reason == "MultiplePodDisruptionBudgets"
        assert message in {
            f'Pod "{NS}"/"web-0" matches multiple PodDisruptionBudgets.  Chose "{name}" arbitrarily.'
            for name in ("web", "web-too")
        }
        for name in ("web", "web-too"):
            assert run.get(POD_DISRUPTION_BUDGETS, name)["status"]["expectedPods"] == 1
