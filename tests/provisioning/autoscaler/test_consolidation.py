"""Which nodes can go, and why the others stay."""

from __future__ import annotations

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
    _, kept = removable([*nodes[:3], node("room", *pods(3, "z"), cpus=64)], MANY, protected={"d/budget"})
    told = {each.node: each.reason for each in kept}
    assert told["a"] == "pod d/marked says that it may not be moved"
    assert told["b"] == "nobody would make pod d/bare again"
    assert told["c"] == "a disruption budget keeps pod d/budget"
