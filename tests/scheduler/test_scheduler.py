"""The whole scheduler against an API server in memory."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from cloudk8s.client.interface import DeleteOptions
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.errors import InternalError
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.testing.fake_client import Action
from tests.scheduler.harness import NS, node, pod, running


async def test_a_pod_is_bound_and_its_events_and_conditions_say_so() -> None:
    async with running(node("a"), pod("p")) as run:
        assert run.node_of("p") == "a"
        assert run.condition("p")["status"] == "True"
        assert run.events("p") == [("Scheduled", "Successfully assigned default/p to a")]


async def test_pods_of_other_schedulers_are_left_alone() -> None:
    async with running(node("a"), pod("p", schedulerName="mine")) as run:
        assert run.node_of("p") == ""
        assert run.events("p") == []


async def test_without_nodes_it_says_so_and_the_first_node_helps() -> None:
    async with running(pod("p")) as run:
        assert run.events("p") == [("FailedScheduling", "no nodes available to schedule pods")]
        run.client.add(node("a"))
        await run.settle(3)
        assert run.node_of("p")


async def test_a_failure_counts_the_reasons_of_all_nodes() -> None:
    nodes = [node("a", cpu="1"), node("b", cpu="1"), node("c", unschedulable=True)]
    async with running(*nodes, pod("p", cpu="2")) as run:
        message = "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu."
        assert run.events("p")[0][1].startswith(message)
        condition = run.condition("p")
        assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
        assert condition["message"].startswith(message)


async def test_a_pod_that_goes_makes_room_for_one_that_waits() -> None:
    async with running(node("a", cpu="1"), pod("old", cpu="1", node="a"), pod("new", cpu="1")) as run:
        assert run.node_of("new") == ""
        await run.client.delete(PODS, "old", namespace=NS, options=DeleteOptions(grace_period_seconds=0))
        await run.settle(3)
        assert run.node_of("new") == "a"


async def test_events_that_cannot_help_do_not_cause_attempts() -> None:
    async with running(node("a", cpu="1"), pod("p", cpu="2")) as run:
        before = run.scheduler.queue.get(f"{NS}/p").attempts  # type: ignore[union-attr]
        await run.create(pod("small", cpu="100m"))
        await run.patch_node("a", {"metadata": {"labels": {"x": "y"}}})
        await run.settle(15)
        assert run.scheduler.queue.get(f"{NS}/p").attempts == before  # type: ignore[union-attr]
        await run.patch_node("a", {"status": {"allocatable": {"cpu": "3"}}})
        await run.settle(3)
        assert run.node_of("p") == "a"


async def test_a_taint_that_is_removed_lets_pods_in() -> None:
    async with running(node("a", taints=[("k", "v", "NoSchedule")]), pod("p")) as run:
        assert "1 node(s) had untolerated taint(s)" in run.events("p")[0][1]
        await run.patch_node("a", {"spec": {"taints": None}})
        await run.settle(3)
        assert run.node_of("p") == "a"


async def test_pods_are_spread_over_equal_nodes() -> None:
    pods = [pod(f"p{number}", cpu="100m") for number in range(12)]
    async with running(*[node(name) for name in "abcd"], *pods) as run:
        assert Counter(run.placement().values()) == {"a": 3, "b": 3, "c": 3, "d": 3}


async def test_a_refused_binding_is_tried_again_and_takes_nothing_meanwhile() -> None:
    async with running(node("a", cpu="1")) as run:
        refusals = iter([InternalError("etcd is away")])

        def refuse(action: Action) -> None:
            if action.subresource == "binding" and (error := next(refusals, None)):
                raise error

        run.client.on(refuse)
        await run.create(pod("p", cpu="1"))
        await run.settle(0.5)
        assert run.node_of("p") == ""
        assert run.scheduler.cluster.pods == {}
        assert ("FailedScheduling", "etcd is away") in run.events("p")
        await run.settle(5)
        assert run.node_of("p") == "a"


async def test_gated_pods_wait_until_the_last_gate_is_gone() -> None:
    gates = [{"name": "a.example/one"}, {"name": "a.example/two"}]
    async with running(node("a"), pod("p", schedulingGates=gates)) as run:
        assert run.scheduler.queue.counts["gated"] == 1
        await run.client.patch(PODS, "p", {"spec": {"schedulingGates": gates[1:]}}, namespace=NS)
        await run.settle()
        assert run.node_of("p") == ""
        await run.client.patch(PODS, "p", {"spec": {"schedulingGates": None}}, namespace=NS)
        await run.settle()
        assert run.node_of("p") == "a"


async def test_the_most_important_pod_goes_first() -> None:
    pods = [pod("low", cpu="1", priority=1), pod("high", cpu="1", priority=100), pod("none", cpu="1")]
    async with running(*pods) as run:
        run.client.add(node("a", cpu="1"))
        await run.settle(12)
        assert run.placement() == {"high": "a", "low": "", "none": ""}


async def test_a_pod_deleted_while_it_waits_is_forgotten() -> None:
    async with running(pod("p")) as run:
        await run.client.delete(PODS, "p", namespace=NS, options=DeleteOptions(grace_period_seconds=0))
        await run.settle()
        assert len(run.scheduler.queue) == 0


async def test_a_restarted_scheduler_sees_what_runs() -> None:
    async with running(node("a", cpu="1"), pod("p", cpu="1")) as run:
        assert run.node_of("p") == "a"
        client, clock = run.client, run.clock
    async with running(pod("q", cpu="1"), client=client, clock=clock) as run:
        assert run.node_of("q") == ""


async def test_pods_of_one_shape_fail_alike_until_something_changes() -> None:
    pods = [pod(f"p{number}", cpu="2", labels={"app": "x"}) for number in range(5)]
    async with running(node("a", cpu="1"), *pods) as run:
        notes = {note for reason, note in run.events() if reason == "FailedScheduling"}
        assert len(notes) == 1
        await run.patch_node("a", {"status": {"allocatable": {"cpu": "5"}}})
        await run.settle(12)
        assert list(run.placement().values()).count("a") == 2


async def test_a_pod_waits_longer_after_each_error() -> None:
    async with running(node("a")) as run:
        tries: list[float] = []

        def refuse(action: Action) -> None:
            if action.subresource == "binding":
                tries.append(run.clock.monotonic())
                raise InternalError("no")

        run.client.on(refuse)
        await run.create(pod("p"))
        await run.settle(40)
        pauses = [after - before for before, after in pairwise(tries)]
        assert [round(pause) for pause in pauses[:5]] == [1, 2, 4, 8, 10]


async def test_pods_bound_to_one_node_by_name_look_at_no_other() -> None:
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    pods = [pod("p", cpu="2", affinity=affinity), pod("q", cpu="3", affinity=affinity)]
    async with running(node("a"), node("b"), *pods) as run:
        assert run.placement() == {"p": "b", "q": ""}
        assert "1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity]" in run.events("q")[0][1]


@pytest.mark.parametrize(("patience", "attempts"), [(timedelta(minutes=5), 2), (timedelta(seconds=60), 7)])
async def test_a_pod_that_nothing_helps_is_tried_again_all_the_same(patience: timedelta, attempts: int) -> None:
    instruments = Instruments()
    async with running(node("n", cpu="1"), pod("large", cpu="2"), instruments=instruments, patience=patience) as run:
        await run.settle(360, step=1)
        [attempted] = [f for f in instruments.families() if f.name == "scheduler_schedule_attempts_total"]
        assert sum(row.value for row in attempted.rows) == attempts


async def test_a_pod_that_is_deleted_while_it_waits_and_kept_by_a_finalizer_is_not_scheduled() -> None:
    waiting = pod("a", cpu="2")
    waiting["metadata"]["finalizers"] = ["example.com/hold"]
    async with running(node("n", cpu="1"), waiting) as run:
        await run.client.delete(PODS, "a", namespace=NS)
        await run.settle()
        await run.client.create(NODES, node("large"))
        await run.settle(3)
        assert run.node_of("a") == ""
        assert run.events("a")[-1] == ("FailedScheduling", f"skip schedule deleting pod: {NS}/a")
