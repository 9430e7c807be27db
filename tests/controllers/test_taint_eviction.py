from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition, is_deleting
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.controllers.taint_eviction import TaintEvictionController, time_left
from cloudk8s.errors import Forbidden
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.fake_client import Action
from tests.controllers.harness import Harness, node, ready_pod, running

TAINT = {"key": "k", "value": "v", "effect": "NoExecute"}


def tolerating(name: str, *tolerations: Object) -> Object:
    made = ready_pod(name, "10.0.0.1", node="n1")
    made["spec"]["tolerations"] = list(tolerations)
    return made


def for_seconds(seconds: int | None = None) -> Object:
    base = {"key": "k", "operator": "Exists", "effect": "NoExecute"}
    return base if seconds is None else {**base, "tolerationSeconds": seconds}


async def taint(run: Harness, *taints: Object) -> None:
    await run.client.patch(NODES, "n1", {"spec": {"taints": list(taints) or None}})


async def test_pods_leave_when_their_toleration_ends() -> None:
    pods = [tolerating("none"), tolerating("five", for_seconds(5)), tolerating("ever", for_seconds())]
    async with running(TaintEvictionController, objects=[node("n1"), *pods]) as run:
        await run.settle()
        assert len(run.names(PODS)) == 3
        await taint(run, TAINT)
        await run.settle(2)
        assert run.names(PODS) == ["ever", "five"]
        await run.settle(4)
        assert run.names(PODS) == ["ever"]
        await run.settle(1000, step=100)
        assert run.names(PODS) == ["ever"]
        assert ("TaintManagerEviction", "Marking for deletion Pod default/five") in run.events("five")


async def test_a_taint_that_goes_in_time_spares_the_pod() -> None:
    async with running(TaintEvictionController, objects=[node("n1"), tolerating("p", for_seconds(10))]) as run:
        await run.settle()
        await taint(run, TAINT)
        await run.settle(5)
        await taint(run)
        await run.settle(60, step=1)
        assert run.names(PODS) == ["p"]
        assert ("TaintManagerEviction", "Cancelling deletion of Pod default/p") in run.events("p")


async def test_the_condition_says_why() -> None:
    async with running(TaintEvictionController, objects=[node("n1"), tolerating("p")]) as run:
        run.has_kubelet = False
        await taint(run, TAINT)
        await run.settle()
        doomed = run.get(PODS, "p")
        assert is_deleting(doomed)
        target = condition(doomed, "DisruptionTarget")
        assert target is not None
        assert (target["status"], target["reason"]) == ("True", "DeletionByTaintManager")
        assert target["observedGeneration"] == 1
        assert target["message"] == "Taint manager: deleting due to NoExecute taint"


async def test_a_pod_that_lands_on_a_tainted_node_leaves() -> None:
    tainted = node("n1")
    tainted["spec"]["taints"] = [TAINT]
    async with running(TaintEvictionController, objects=[tainted]) as run:
        run.client.add(tolerating("p", for_seconds(3)))
        await run.settle(2)
        assert run.names(PODS) == ["p"]
        await run.settle(2)
        assert run.names(PODS) == []


async def test_a_second_taint_counts_from_when_the_first_one_came() -> None:
    tolerations = [for_seconds(100), {**for_seconds(20), "key": "other"}]
    async with running(TaintEvictionController, objects=[node("n1"), tolerating("p", *tolerations)]) as run:
        await taint(run, TAINT)
        await run.settle(15)
        await taint(run, TAINT, {**TAINT, "key": "other"})
        await run.settle(4)
        assert run.names(PODS) == ["p"]
        await run.settle(3)
        assert run.names(PODS) == []


async def test_taints_that_do_not_evict_are_ignored() -> None:
    async with running(TaintEvictionController, objects=[node("n1"), tolerating("p")]) as run:
        await taint(run, {**TAINT, "effect": "NoSchedule"})
        await run.settle(5)
        assert run.names(PODS) == ["p"]


@pytest.mark.parametrize(
    ("toleration", "left"),
    [
        ({"operator": "Exists"}, None),
        ({"operator": "Exists", "effect": "NoSchedule"}, 0),
        ({"key": "k", "operator": "Equal", "value": "v"}, None),
        ({"key": "k", "value": "other"}, 0),
        ({"key": "k", "operator": "Exists", "tolerationSeconds": 7}, 7),
        ({"key": "k", "operator": "Exists", "tolerationSeconds": -1}, 0),
    ],
)
def test_what_a_toleration_covers(toleration: Object, left: float | None) -> None:
    assert time_left([TAINT], [toleration]) == left


def test_the_shortest_toleration_in_use_counts() -> None:
    assert time_left([TAINT], [for_seconds(30), for_seconds(10), {**for_seconds(1), "key": "unused"}]) == 10


async def test_a_server_from_before_the_condition_is_not_asked_to_take_it() -> None:
    """Its roles do not let controllers patch the status of pods."""

    def refuse(action: Action) -> None:
        if action.verb == "patch" and action.resource == PODS:
            raise Forbidden("no")

    old = ClusterSettings(data_dir=Path("/nonexistent"), kubernetes_version="1.20")
    async with running(TaintEvictionController, objects=[node("n1"), tolerating("p")], settings=old) as run:
        run.client.on(refuse)
        await taint(run, TAINT)
        await run.settle(2)
        assert run.names(PODS) == []
