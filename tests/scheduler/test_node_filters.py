"""Filters that look at nodes alone: against upstream's rules, on small clusters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scheduler.harness import PREFERRED, REQUIRED, node, pod
from tests.scheduler.table import Table


def toleration(**fields: str) -> dict[str, str]:
    return fields


@pytest.mark.parametrize(
    ("taint", "tolerations", "fits"),
    [
        (("k", "v", "NoSchedule"), [], False),
        (("k", "v", "NoExecute"), [], False),
        (("k", "v", "PreferNoSchedule"), [], True),
        (("k", "v", "NoSchedule"), [toleration(key="k", operator="Equal", value="v", effect="NoSchedule")], True),
        (("k", "v", "NoSchedule"), [toleration(key="k", value="v")], True),
        (("k", "v", "NoSchedule"), [toleration(key="k", operator="Exists")], True),
        (("k", "v", "NoSchedule"), [toleration(key="k", operator="Equal", value="w")], False),
        (("k", "v", "NoSchedule"), [toleration(key="j", operator="Exists")], False),
        (("k", "v", "NoSchedule"), [toleration(operator="Exists")], True),
        (("k", "v", "NoSchedule"), [toleration(key="k", operator="Exists", effect="NoExecute")], False),
        (("k", "5", "NoSchedule"), [toleration(key="k", operator="Lt", value="6")], True),
        (("k", "5", "NoSchedule"), [toleration(key="k", operator="Gt", value="6")], False),
    ],
)
def test_taints_keep_off_what_does_not_tolerate_them(
    taint: tuple[str, str, str], tolerations: list[Any], fits: bool
) -> None:
    table = Table(node("a", taints=[taint]), node("b"))
    assert table.fits(pod("p", tolerations=tolerations)) == ({"a", "b"} if fits else {"b"})


def test_an_untolerated_taint_cannot_be_resolved_by_removing_pods() -> None:
    table = Table(node("a", taints=[("k", "v", "NoSchedule")]))
    assert table.why(pod("p")) == "0/1 nodes are available: 1 node(s) had untolerated taint(s)."
    assert table.resolvable(pod("p")) == set()


def test_fewer_taints_to_avoid_are_better() -> None:
    soft = [("k", "v", "PreferNoSchedule"), ("l", "", "PreferNoSchedule")]
    table = Table(node("a", taints=soft), node("b", taints=soft[:1]), node("c"))
    assert table.scores(pod("p"), "TaintToleration") == {"a": 0, "b": 50, "c": 100}
    tolerant = pod("p", tolerations=[toleration(operator="Exists")])
    assert table.scores(tolerant, "TaintToleration") == {"a": 0, "b": 0, "c": 0}
    only_hard = pod("p", tolerations=[toleration(operator="Exists", effect="NoSchedule")])
    assert table.scores(only_hard, "TaintToleration")["c"] == 100


def test_cordoned_nodes_take_only_pods_that_tolerate_it() -> None:
    table = Table(node("a", unschedulable=True), node("b"))
    assert table.fits(pod("p")) == {"b"}
    key = "node.kubernetes.io/unschedulable"
    assert table.fits(pod("p", tolerations=[toleration(key=key, operator="Exists")])) == {"a", "b"}


def requirement(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def required(*terms: Any) -> dict[str, Any]:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        (requirement("disk", "In", "ssd", "nvme"), {"a"}),
        (requirement("disk", "NotIn", "ssd"), {"b", "c"}),
        (requirement("disk", "Exists"), {"a", "b"}),
        (requirement("disk", "DoesNotExist"), {"c"}),
        (requirement("size", "Gt", "10"), {"b"}),
        (requirement("size", "Lt", "11"), {"a"}),
        (requirement("disk", "Gt", "1"), set()),
        (requirement("nothing", "In", "x"), set()),
    ],
)
def test_node_affinity_expressions(expression: dict[str, Any], fits: set[str]) -> None:
    nodes = [
        node("a", labels={"disk": "ssd", "size": "10"}),
        node("b", labels={"disk": "hdd", "size": "20"}),
        node("c"),
    ]
    assert Table(*nodes).fits(pod("p", affinity=required({"matchExpressions": [expression]}))) == fits


def test_terms_are_alternatives_and_expressions_of_one_are_not() -> None:
    table = Table(node("a", labels={"x": "1", "y": "1"}), node("b", labels={"x": "1"}), node("c", labels={"y": "1"}))
    x, y = requirement("x", "Exists"), requirement("y", "Exists")
    assert table.fits(pod("p", affinity=required({"matchExpressions": [x, y]}))) == {"a"}
    either = required({"matchExpressions": [x]}, {"matchExpressions": [y]})
    assert table.fits(pod("p", affinity=either)) == {"a", "b", "c"}


def test_an_empty_term_selects_nothing() -> None:
    table = Table(node("a"))
    assert table.fits(pod("p", affinity=required({}))) == set()
    assert table.fits(pod("p", affinity=required())) == set()
    assert "didn't match Pod's node affinity/selector" in table.why(pod("p", affinity=required({})))


def test_selector_and_affinity_must_both_match() -> None:
    table = Table(node("a", labels={"x": "1"}), node("b", labels={"x": "1", "y": "2"}))
    affinity = required({"matchExpressions": [requirement("x", "Exists")]})
    assert table.fits(pod("p", affinity=affinity, nodeSelector={"y": "2"})) == {"b"}
    assert table.fits(pod("p", nodeSelector={"y": "3"})) == set()


def test_fields_name_nodes_and_the_others_are_not_looked_at() -> None:
    table = Table(node("a", cpu="1"), node("b"), node("c", taints=[("k", "", "NoSchedule")]))
    named = required({"matchFields": [requirement("metadata.name", "In", "a")]})
    assert table.fits(pod("p", affinity=named)) == {"a"}
    message = "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."
    assert table.why(pod("p", cpu="2", affinity=named)) == message
    other = required({"matchFields": [requirement("metadata.name", "NotIn", "a")]})
    assert table.fits(pod("p", affinity=other)) == {"b"}


def test_labels_that_change_are_seen() -> None:
    table = Table(node("a"), node("b"))
    wanted = pod("p", nodeSelector={"x": "1"})
    assert table.fits(wanted) == set()
    table.put(node("a", labels={"x": "1"}))
    assert table.fits(wanted) == {"a"}
    table.cluster.remove_node("a")
    assert table.fits(wanted) == set()


def test_preferences_add_up() -> None:
    table = Table(node("a", labels={"x": "1"}), node("b", labels={"x": "1", "y": "1"}), node("c"))
    preferred = [
        {"weight": 20, "preference": {"matchExpressions": [requirement("x", "Exists")]}},
        {"weight": 60, "preference": {"matchExpressions": [requirement("y", "Exists")]}},
    ]
    wanted = pod("p", affinity={"nodeAffinity": {PREFERRED: preferred}})
    assert table.scores(wanted, "NodeAffinity") == {"a": 25, "b": 100, "c": 0}


def test_added_affinity_holds_for_all_pods_of_the_profile() -> None:
    added = {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [requirement("team", "In", "blue")]}]}}
    arguments = {"NodeAffinity": {"addedAffinity": added}}
    table = Table(node("a", labels={"team": "blue"}), node("b"), arguments=arguments)
    assert table.fits(pod("p")) == {"a"}
    wanted = pod("p", nodeSelector={"x": "1"})
    message = (
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, "
        "1 node(s) didn't match scheduler-enforced node affinity."
    )
    assert table.why(wanted) == message


def port(number: int, *, ip: str = "", protocol: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"containerPort": 80, "hostPort": number}
    return found | ({"hostIP": ip} if ip else {}) | ({"protocol": protocol} if protocol else {})


@pytest.mark.parametrize(
    ("held", "wanted", "fits"),
    [
        (port(80), port(80), False),
        (port(80), port(81), True),
        (port(80), port(80, protocol="UDP"), True),
        (port(80, ip="127.0.0.1"), port(80, ip="10.0.0.1"), True),
        (port(80, ip="127.0.0.1"), port(80, ip="127.0.0.1"), False),
        (port(80, ip="0.0.0.0"), port(80, ip="127.0.0.1"), False),
        (port(80, ip="127.0.0.1"), port(80), False),
        (port(80, protocol="UDP", ip="127.0.0.1"), port(80, protocol="TCP", ip="127.0.0.1"), True),
    ],
)
def test_host_ports(held: dict[str, Any], wanted: dict[str, Any], fits: bool) -> None:
    table = Table(node("a"), pod("q", node="a", ports=[held]))
    assert table.fits(pod("p", ports=[wanted])) == ({"a"} if fits else set())


def test_a_port_that_is_freed_can_be_taken() -> None:
    table = Table(node("a"))
    held = table.place(pod("q", node="a", ports=[port(80)]))
    wanted = pod("p", ports=[port(80)])
    assert "node(s) didn't have free ports for the requested pod ports" in table.why(wanted)
    assert table.resolvable(wanted) == {"a"}
    table.cluster.remove(held)
    assert table.fits(wanted) == {"a"}


def test_images_that_are_there_count_by_size_and_spread() -> None:
    megabyte = 1024 * 1024
    table = Table(
        node("a", images={"big:1": 500 * megabyte, "small:latest": 10 * megabyte}),
        node("b", images={"small:latest": 10 * megabyte}),
    )
    scores = table.scores(pod("p", image="big:1"), "ImageLocality")
    assert scores == {"a": 100 * (250 - 23) // (1000 - 23), "b": 0}
    assert table.scores(pod("p", image="small"), "ImageLocality") == {"a": 0, "b": 0}
    assert table.scores(pod("p", image="unknown"), "ImageLocality") == {"a": 0, "b": 0}
