"""Preemption: whom it removes, where, and what it says."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.resources import PODS
from cloudk8s.errors import InternalError
from cloudk8s.testing.fake_client import Action
from tests.scheduler.harness import NS, Harness, near, node, pod, running

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def budget(name: str, labels: dict[str, str], allowed: int) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": NS},
        "spec": {"selector": {"matchLabels": labels}},
        "status": {"disruptionsAllowed": allowed},
    }


def started(second: int) -> dict[str, Any]:
    return {"phase": "Running", "startTime": f"2026-01-01T00:00:{second:02d}Z"}


def leaving(run: Harness) -> set[str]:
    """The pods that were told to go, or have gone."""
    deleted = [action.name for action in run.client.actions if action.verb == "delete" and action.resource == PODS]
    return set(deleted)


async def test_a_less_important_pod_makes_room() -> None:
    low = pod("low", cpu="3", node="a", priority=1, metadata={"finalizers": ["test/keep"]})
    async with running(node("a"), low, pod("high", cpu="3", priority=100)) as run:
        victim = run.pod("low")
        assert victim["metadata"]["deletionTimestamp"]
        condition = next(item for item in victim["status"]["conditions"] if item["type"] == "DisruptionTarget")
        assert (condition["status"], condition["reason"]) == ("True", "PreemptionByScheduler")
        assert condition["message"] == "default-scheduler: preempting to accommodate a higher priority pod"
        high = run.pod("high")
        assert high["status"]["nominatedNodeName"] == "a"
        assert ("Preempted", f"Preempted by pod {high['metadata']['uid']} on node a") in run.events("low")
        assert run.node_of("high") == ""
        await run.client.patch(PODS, "low", {"metadata": {"finalizers": None}}, namespace=NS)
        await run.client.delete(PODS, "low", namespace=NS, options=DeleteOptions(grace_period_seconds=0))
        await run.settle(3)
        assert run.node_of("high") == "a"


async def test_equals_are_not_removed() -> None:
    async with running(node("a"), pod("old", cpu="3", node="a", priority=5), pod("new", cpu="3", priority=5)) as run:
        await run.settle(5)
        assert leaving(run) == set()
        message = (
            "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: "
            "1 No preemption victims found for incoming pod."
        )
        assert run.events("new")[0] == ("FailedScheduling", message)


async def test_nodes_where_it_cannot_help_are_counted() -> None:
    nodes = [node("a"), node("b", unschedulable=True), node("c", cpu="1")]
    async with running(*nodes, pod("old", cpu="3", node="a", priority=5), pod("new", cpu="3", priority=5)) as run:
        assert run.events("new")[0][1].endswith(
            "preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, "
            "2 Preemption is not helpful for scheduling."
        )


async def test_a_pod_that_never_preempts() -> None:
    new = pod("new", cpu="3", priority=100, preemptionPolicy="Never")
    async with running(node("a"), pod("old", cpu="3", node="a"), new) as run:
        assert leaving(run) == set()
        assert run.events("new")[0][1].endswith(" preemption: not eligible due to preemptionPolicy=Never.")


async def test_only_as_many_go_as_must_and_the_least_important_first() -> None:
    pods = [pod(f"p{number}", cpu="1", node="a", priority=number) for number in range(4)]
    async with running(node("a"), *pods, pod("new", cpu="2", priority=100)) as run:
        assert leaving(run) == {"p0", "p1"}


async def test_the_youngest_of_equals_go_first() -> None:
    pods = [pod(f"p{number}", cpu="1", node="a", status=started(number)) for number in range(4)]
    async with running(node("a"), *pods, pod("new", cpu="1", priority=100)) as run:
        assert leaving(run) == {"p3"}


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([("a1", 10)], [("b1", 5)], {"b1"}),
        ([("a1", 5), ("a2", 5)], [("b1", 5)], {"b1"}),
        ([("a1", 5), ("a2", 1)], [("b1", 5), ("b2", 2)], {"a1", "a2"}),
    ],
)
async def test_the_cheapest_node_is_chosen(
    a: list[tuple[str, int]], b: list[tuple[str, int]], expected: set[str]
) -> None:
    def on(name: str, given: list[tuple[str, int]]) -> list[Object]:
        return [pod(key, cpu=f"{4 // len(given)}", node=name, priority=priority) for key, priority in given]

    async with running(node("a"), node("b"), *on("a", a), *on("b", b), pod("new", cpu="4", priority=100)) as run:
        assert leaving(run) == expected


async def test_the_node_with_the_youngest_victims_is_chosen_among_equals() -> None:
    pods = [pod("old", cpu="4", node="a", status=started(1)), pod("young", cpu="4", node="b", status=started(9))]
    async with running(node("a"), node("b"), *pods, pod("new", cpu="4", priority=100)) as run:
        assert leaving(run) == {"young"}


async def test_disruption_budgets_are_honoured_where_possible() -> None:
    pods = [pod("kept", cpu="4", node="a", labels={"app": "db"}), pod("free", cpu="4", node="b", priority=50)]
    objects = [node("a"), node("b"), *pods, budget("db", {"app": "db"}, 0)]
    async with running(*objects, pod("new", cpu="4", priority=100)) as run:
        assert leaving(run) == {"free"}


async def test_a_budget_is_broken_if_nothing_else_helps() -> None:
    objects = [node("a"), pod("kept", cpu="4", node="a", labels={"app": "db"}), budget("db", {"app": "db"}, 0)]
    async with running(*objects, pod("new", cpu="4", priority=100)) as run:
        assert leaving(run) == {"kept"}


async def test_pods_that_a_budget_protects_are_spared_on_a_node() -> None:
    kept = pod("kept", cpu="2", node="a", labels={"app": "db"}, priority=0)
    objects = [node("a"), kept, pod("free", cpu="2", node="a", priority=50), budget("db", {"app": "db"}, 0)]
    async with running(*objects, pod("new", cpu="2", priority=100)) as run:
        assert leaving(run) == {"free"}


async def test_room_that_is_made_is_not_taken_by_lesser_pods() -> None:
    low = pod("low", cpu="3", node="a", priority=1, metadata={"finalizers": ["test/keep"]})
    async with running(node("a"), low, pod("high", cpu="3", priority=100)) as run:
        await run.create(pod("sneaky", cpu="2", priority=1))
        await run.client.patch(PODS, "low", {"metadata": {"finalizers": None}}, namespace=NS)
        await run.client.delete(PODS, "low", namespace=NS, options=DeleteOptions(grace_period_seconds=0))
        await run.settle(12)
        assert run.placement() == {"high": "a", "sneaky": ""}


async def test_a_more_important_pod_takes_the_room_and_the_other_looks_again() -> None:
    low = pod("low", cpu="3", node="a", priority=1, metadata={"finalizers": ["test/keep"]})
    async with running(node("a"), low, pod("high", cpu="3", priority=100)) as run:
        await run.create(pod("higher", cpu="3", priority=1000))
        await run.settle(1)
        assert run.pod("high")["status"].get("nominatedNodeName") in (None, "a")
        await run.client.patch(PODS, "low", {"metadata": {"finalizers": None}}, namespace=NS)
        await run.client.delete(PODS, "low", namespace=NS, options=DeleteOptions(grace_period_seconds=0))
        await run.settle(12)
        assert (run.node_of("higher"), run.node_of("high")) == ("a", "")


async def test_victims_are_not_looked_for_again_while_some_are_leaving() -> None:
    low = pod("low", cpu="3", node="a", priority=1, metadata={"finalizers": ["test/keep"]})
    other = pod("other", cpu="3", node="b", priority=2)
    async with running(node("a"), node("b"), low, other, pod("high", cpu="3", priority=100)) as run:
        await run.patch_node("a", {"status": {"allocatable": {"cpu": "4", "example.com/x": "1"}}})
        await run.settle(30)
        assert leaving(run) == {"low"}


async def test_pods_that_shun_it_make_room_too() -> None:
    shy = {"podAntiAffinity": {REQUIRED: [near({"app": "x"}, "kubernetes.io/hostname")]}}
    new = pod("new", labels={"app": "x"}, priority=100)
    async with running(node("a"), pod("shy", node="a", affinity=shy), pod("quiet", node="a"), new) as run:
        assert leaving(run) == {"shy"}


async def test_a_victim_that_cannot_be_deleted_is_tried_again_later() -> None:
    async with running(node("a")) as run:
        run.client.add(pod("low", cpu="3", node="a"))
        refusals = iter([InternalError("no")])

        def refuse(action: Action) -> None:
            if action.verb == "delete" and (error := next(refusals, None)):
                raise error

        run.client.on(refuse)
        await run.create(pod("high", cpu="3", priority=100))
        await run.settle(15)
        assert leaving(run) == {"low"}
        await run.client.delete(PODS, "low", namespace=NS, options=DeleteOptions(grace_period_seconds=0))
        await run.settle(5)
        assert run.node_of("high") == "a"


async def test_a_restarted_scheduler_keeps_the_room() -> None:
    waiting = pod("high", cpu="3", priority=100, status={"nominatedNodeName": "a"})
    low = pod("low", cpu="3", node="a", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x/y"]})
    async with running(node("a"), node("b", cpu="1"), waiting, low) as run:
        assert leaving(run) == set()
        assert run.scheduler.nominations.node_of(f"{NS}/high") == "a"
        await run.create(pod("sneaky", cpu="1", priority=1))
        await run.settle(3)
        assert run.node_of("sneaky") == "b"
