"""Topology spread constraints: against upstream's rules."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import Object
from tests.scheduler.harness import NS, REQUIRED, node, pod, spread, zone
from tests.scheduler.table import Table

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
FOO = {"foo": ""}


def nodes() -> list[Object]:
    return [
        node("a", labels=zone("1")),
        node("b", labels=zone("1")),
        node("x", labels=zone("2")),
        node("y", labels=zone("2")),
    ]


def pods(**counts: int) -> list[Object]:
    """That many matching pods on each node."""
    return [pod(f"{name}{number}", node=name, labels=FOO) for name, count in counts.items() for number in range(count)]


def wanted(*constraints: Any, labels: dict[str, str] | None = None, **spec: Any) -> Object:
    return pod("p", labels=FOO if labels is None else labels, topologySpreadConstraints=list(constraints), **spec)


@pytest.mark.parametrize(
    ("existing", "constraints", "fits"),
    [
        ({}, [spread(ZONE, FOO)], {"a", "b", "x", "y"}),
        ({"a": 1}, [spread(ZONE, FOO)], {"x", "y"}),
        ({"a": 1}, [spread(ZONE, FOO, skew=2)], {"a", "b", "x", "y"}),
        ({"a": 2, "x": 1}, [spread(ZONE, FOO)], {"x", "y"}),
        ({"a": 1, "x": 1}, [spread(HOST, FOO)], {"b", "y"}),
        ({"a": 1, "b": 1, "x": 1}, [spread(HOST, FOO)], {"y"}),
        ({"a": 2, "b": 1, "y": 3}, [spread(ZONE, FOO), spread(HOST, FOO)], {"x"}),
        ({"a": 1, "b": 1, "y": 1}, [spread(ZONE, FOO), spread(HOST, FOO)], {"x"}),
        ({"a": 2}, [spread(ZONE, {"bar": ""})], {"a", "b", "x", "y"}),
    ],
)
def test_required_constraints(existing: dict[str, int], constraints: list[Any], fits: set[str]) -> None:
    assert Table(*nodes(), *pods(**existing)).fits(wanted(*constraints)) == fits


def test_a_pod_that_does_not_count_itself() -> None:
    table = Table(*nodes(), *pods(a=1))
    assert table.fits(wanted(spread(ZONE, FOO), labels={"other": ""})) == {"a", "b", "x", "y"}
    table = Table(*nodes(), *pods(a=2))
    assert table.fits(wanted(spread(ZONE, FOO), labels={"other": ""})) == {"x", "y"}


def test_nodes_without_the_label_are_out_and_do_not_count() -> None:
    table = Table(*nodes(), node("z"), *pods(a=1, x=1, z=5))
    assert table.fits(wanted(spread(ZONE, FOO))) == {"a", "b", "x", "y"}
    only = Table(node("z"))
    reason = "node(s) didn't match pod topology spread constraints (missing required label)"
    assert only.why(wanted(spread(ZONE, FOO))) == f"0/1 nodes are available: 1 {reason}."
    assert only.resolvable(wanted(spread(ZONE, FOO))) == set()


def test_nodes_that_lack_one_of_several_labels_do_not_count_for_any() -> None:
    table = Table(*nodes(), *pods(a=1, x=1))
    bare = node("h")
    table.put(bare)
    for number in range(3):
        table.put(pod(f"h{number}", node="h", labels=FOO))
    assert table.fits(wanted(spread(ZONE, FOO), spread(HOST, FOO))) == {"b", "y"}


def test_pods_of_other_namespaces_and_pods_that_end_do_not_count() -> None:
    others = [
        pod("o", node="a", labels=FOO, namespace="other"),
        pod("t", node="a", labels=FOO, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
    ]
    table = Table(*nodes(), *others)
    assert table.fits(wanted(spread(ZONE, FOO))) == {"a", "b", "x", "y"}


def test_too_few_domains_count_as_an_empty_one() -> None:
    table = Table(*nodes(), *pods(a=1, x=1))
    assert table.fits(wanted(spread(ZONE, FOO, minDomains=2))) == {"a", "b", "x", "y"}
    assert table.fits(wanted(spread(ZONE, FOO, minDomains=3))) == set()
    assert table.resolvable(wanted(spread(ZONE, FOO, minDomains=3))) == {"a", "b", "x", "y"}


def test_match_label_keys_narrow_the_selector_to_the_pods_own_value() -> None:
    existing = [pod("old", node="a", labels={**FOO, "hash": "1"})]
    constraint = spread(ZONE, FOO, matchLabelKeys=["hash", "absent"])
    new = wanted(constraint, labels={**FOO, "hash": "2"})
    assert Table(*nodes(), *existing).fits(new) == {"a", "b", "x", "y"}
    same = wanted(constraint, labels={**FOO, "hash": "1"})
    assert Table(*nodes(), *existing).fits(same) == {"x", "y"}


def test_node_affinity_policy() -> None:
    in_zone_1 = {"nodeSelector": zone("1")}
    existing = pods(a=1, b=1)
    honoured = wanted(spread(HOST, FOO), **in_zone_1)
    assert Table(*nodes(), *existing).fits(honoured) == {"a", "b"}
    ignored = wanted(spread(HOST, FOO, nodeAffinityPolicy="Ignore"), **in_zone_1)
    assert Table(*nodes(), *existing).fits(ignored) == set()


def test_node_affinity_policy_with_required_affinity() -> None:
    term = {"matchExpressions": [{"key": HOST, "operator": "In", "values": ["a", "b", "x"]}]}
    affinity = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [term]}}}
    table = Table(*nodes(), *pods(a=1, b=1, x=1))
    assert table.fits(wanted(spread(HOST, FOO), affinity=affinity)) == {"a", "b", "x"}


def test_node_taints_policy() -> None:
    tainted = node("z", labels=zone("3"), taints=[("k", "", "NoSchedule")])
    table = Table(*nodes(), tainted, *pods(a=1, x=1))
    assert table.fits(wanted(spread(ZONE, FOO))) == set()
    assert table.fits(wanted(spread(ZONE, FOO, nodeTaintsPolicy="Honor"))) == {"a", "b", "x", "y"}


def test_the_reason() -> None:
    table = Table(node("a", labels=zone("1")), node("x", labels=zone("2"), unschedulable=True), *pods(a=1))
    reason = "node(s) didn't match pod topology spread constraints"
    message = f"0/2 nodes are available: 1 {reason}, 1 node(s) were unschedulable."
    assert table.why(wanted(spread(ZONE, FOO))) == message


def soft(key: str, labels: dict[str, str] = FOO, **more: Any) -> Any:
    return spread(key, labels, when="ScheduleAnyway", **more)


@pytest.mark.parametrize(
    ("existing", "constraints", "expected"),
    [
        ({"a": 2, "b": 1, "y": 1}, [soft(HOST)], {"a": 0, "b": 50, "x": 100, "y": 50}),
        ({"a": 2, "b": 1, "x": 0, "y": 3}, [soft(HOST)], {"a": 40, "b": 80, "x": 100, "y": 0}),
        ({"a": 2, "b": 1, "x": 1}, [soft(ZONE)], {"a": 25, "b": 25, "x": 100, "y": 100}),
    ],
)
def test_preferred_constraints(existing: dict[str, int], constraints: list[Any], expected: dict[str, int]) -> None:
    scores = Table(*nodes(), *pods(**existing)).scores(wanted(*constraints), "PodTopologySpread")
    assert sorted(scores, key=scores.__getitem__) == sorted(expected, key=expected.__getitem__)
    assert max(scores.values()) == 100
    equal = {name for name in scores if expected[name] == 100}
    assert {name for name, score in scores.items() if score == 100} == equal


def test_nodes_without_a_label_of_the_pods_constraints_get_nothing() -> None:
    table = Table(*nodes(), node("z"), *pods(a=1))
    assert table.scores(wanted(soft(ZONE)), "PodTopologySpread")["z"] == 0


def service(**selector: str) -> Object:
    metadata = {"name": "s", "namespace": NS}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": selector}}


def test_pods_of_a_service_are_spread_by_default() -> None:
    table = Table(*nodes(), *pods(a=1, b=1), service(foo=""))
    plain = pod("p", labels=FOO)
    scores = table.scores(plain, "PodTopologySpread")
    assert scores["x"] == scores["y"] > scores["a"] == scores["b"]
    assert len(set(table.scores(pod("q", labels={"bar": ""}), "PodTopologySpread").values())) == 1


def test_pods_of_an_owner_are_spread_by_default() -> None:
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": NS},
        "spec": {"selector": {"matchLabels": FOO}},
    }
    table = Table(*nodes(), *pods(a=1), owner)
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": True}
    scores = table.scores(pod("p", labels=FOO, metadata={"ownerReferences": [reference]}), "PodTopologySpread")
    assert scores["x"] == 100
    assert scores["a"] == min(scores.values()) < scores["b"] < 100


def test_a_list_of_defaults_can_be_required() -> None:
    default = {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule"}
    arguments = {"PodTopologySpread": {"defaultingType": "List", "defaultConstraints": [default]}}
    table = Table(*nodes(), *pods(a=1), service(foo=""), arguments=arguments)
    assert table.fits(pod("p", labels=FOO)) == {"x", "y"}
    none = {"PodTopologySpread": {"defaultingType": "List"}}
    table = Table(*nodes(), *pods(a=1), service(foo=""), arguments=none)
    assert set(table.scores(pod("p", labels=FOO), "PodTopologySpread").values()) == {0}


def test_a_node_that_moves_to_another_zone_takes_its_pods_along() -> None:
    table = Table(*nodes(), *pods(a=2))
    assert table.fits(wanted(spread(ZONE, FOO))) == {"x", "y"}
    table.put(node("a", labels=zone("2")))
    assert table.fits(wanted(spread(ZONE, FOO))) == {"b"}
    table.cluster.remove_node("a")
    assert table.fits(wanted(spread(ZONE, FOO))) == {"b", "x", "y"}
