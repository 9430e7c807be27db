"""Which nodes can go, and why the others stay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloudk8s.provisioning.autoscaler.budgets import Budgets
from cloudk8s.provisioning.autoscaler.consolidation import removable
from tests.provisioning.autoscaler.objects import node, pod, pods

MANY = {"m": 9}


def test_an_empty_node_goes_and_a_full_one_stays() -> None:
    removals, kept = removable([node("full", *pods(4)), node("empty", pod("agent", owner="DaemonSet"))], MANY)
    assert [each.node for each in removals] == ["empty"]
    assert [(each.node, each.reason) for each in kept] == [("full", "its pods do not all fit elsewhere")]


def test_pods_move_together_only_where_there_is_room_for_all_of_them() -> None:
    nodes = [node("a", *pods(2, "a")), node("b", *pods(2, "b")), node("c", *pods(2, "c"))]
    removals, _ = removable(nodes, MANY)
    assert len(removals) == 1
    assert len({where for _, where in removals[0].moves}) <= 2


def test_pools_keep_their_minimum() -> None:
    removals, kept = removable([node("a"), node("b"), node("c")], {"m": 1})
    assert len(removals) == 1
    assert {each.reason for each in kept} == {"pool m may not lose another machine"}


def test_pods_hold_their_node_with_reasons_that_are_told() -> None:
    marked = pod("marked")
    marked["metadata"]["annotations"] = {"karpenter.sh/do-not-disrupt": "true"}
    nodes = [node("a", marked), node("b", pod("bare", owner="")), node("c", pod("budget")), node("d")]
    _, kept = removable(
        [*nodes[:3], node("room", *pods(3, "z"), cpus=64)], MANY, Budgets({"d/b": 0}, {"d/budget": ("d/b",)})
    )
    told = {each.node: each.reason for each in kept}
    assert told["a"] == "pod d/marked says that it may not be moved"
    assert told["b"] == "nobody would make pod d/bare again"
    assert told["c"] == "a disruption budget keeps pod d/budget"


def budget(allowed: int, name: str = "b", **spec: Any) -> Any:
    status = {"disruptionsAllowed": allowed, "currentHealthy": 1, "desiredHealthy": 2}
    selector = {"matchLabels": {"app": "web"}}
    metadata = {"name": name, "namespace": "d"}
    return {"metadata": metadata, "spec": {"selector": selector, **spec}, "status": status}


def running(name: str, is_ready: bool = True) -> Any:
    ready = {"type": "Ready", "status": "True" if is_ready else "False"}
    return pod(name) | {"status": {"phase": "Running", "conditions": [ready]}}


@pytest.mark.parametrize(("allowed", "going"), [(0, 0), (1, 1), (2, 2)])
def test_nodes_that_go_together_take_no_more_than_a_budget_allows_at_once(allowed: int, going: int) -> None:
    guarded = [running(f"p{number}") for number in range(3)]
    nodes = [node(f"n{number}", each) for number, each in enumerate(guarded)]
    room = replace(node("room", cpus=64), pool="")
    removals, _ = removable([*nodes, room], MANY, Budgets.of([budget(allowed)], guarded))
    assert len(removals) == going


def test_all_pods_of_a_node_have_to_be_allowed() -> None:
    two = [running("a"), running("b")]
    room = replace(node("room", cpus=64), pool="")
    _, kept = removable([node("n", *two), room], MANY, Budgets.of([budget(1)], two))
    assert {each.node: each.reason for each in kept}["n"] == "a disruption budget keeps pod d/b"


def test_budgets_let_go_what_eviction_does() -> None:
    def refused(one: Any, *budgets: Any) -> bool:
        return bool(Budgets.of(budgets, [one]).refuses([one]))

    healthy, ill = running("a"), running("a", is_ready=False)
    assert refused(healthy, budget(1), budget(1, "c")), "two budgets"
    assert refused(healthy, budget(1) | {"metadata": {"name": "b", "namespace": "d", "generation": 2}}), "not seen yet"
    assert not refused(healthy, budget(0) | {"metadata": {"name": "b", "namespace": "e"}})
    assert refused(ill, budget(0))
    assert not refused(ill, budget(0, unhealthyPodEvictionPolicy="AlwaysAllow"))
    assert not refused(ill, budget(0) | {"status": {"currentHealthy": 2, "desiredHealthy": 2}})
    assert not refused(pod("a") | {"status": {"phase": "Pending"}}, budget(0))
