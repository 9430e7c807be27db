"""Affinity and anti-affinity between pods: against upstream's rules."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import Object
from tests.scheduler.harness import PREFERRED, REQUIRED, near, node, pod, zone
from tests.scheduler.table import Table

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
S1 = {"security": "S1"}


def nodes() -> list[Object]:
    return [node("a", labels=zone("1")), node("b", labels=zone("1")), node("x", labels=zone("2"))]


def affinity(*terms: Any, kind: str = "podAffinity") -> dict[str, Any]:
    return {kind: {REQUIRED: list(terms)}}


def anti(*terms: Any) -> dict[str, Any]:
    return affinity(*terms, kind="podAntiAffinity")


def preferred(weight: int, term: Any, kind: str = "podAffinity") -> dict[str, Any]:
    return {kind: {PREFERRED: [{"weight": weight, "podAffinityTerm": term}]}}


def namespace(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


@pytest.mark.parametrize(
    ("term", "fits"),
    [
        (near(S1, HOST), {"a"}),
        (near(S1, ZONE), {"a", "b"}),
        (near({"security": "S2"}, ZONE), set()),
        (near(S1, "no/such-topology"), set()),
        (
            {"topologyKey": ZONE, "labelSelector": {"matchExpressions": [{"key": "security", "operator": "Exists"}]}},
            {"a", "b"},
        ),
        ({"topologyKey": ZONE}, set()),
        (near(S1, ZONE, namespaces=["elsewhere"]), set()),
    ],
)
def test_required_affinity(term: Any, fits: set[str]) -> None:
    table = Table(*nodes(), pod("q", node="a", labels=S1))
    assert table.fits(pod("p", affinity=affinity(term))) == fits


@pytest.mark.parametrize(
    ("term", "fits"),
    [
        (near(S1, HOST), {"b", "x"}),
        (near(S1, ZONE), {"x"}),
        (near({"z": ""}, ZONE), {"a", "b", "x"}),
        (near(S1, "none"), {"a", "b", "x"}),
    ],
)
def test_required_anti_affinity(term: Any, fits: set[str]) -> None:
    table = Table(*nodes(), pod("q", node="a", labels=S1))
    assert table.fits(pod("p", affinity=anti(term))) == fits


def test_the_anti_affinity_of_those_already_there_is_respected() -> None:
    table = Table(*nodes(), pod("q", node="a", affinity=anti(near(S1, ZONE))))
    assert table.fits(pod("p", labels=S1)) == {"x"}
    assert table.fits(pod("p")) == {"a", "b", "x"}
    reason = "node(s) didn't satisfy existing pods anti-affinity rules"
    only = Table(node("a", labels=zone("1")), pod("q", node="a", affinity=anti(near(S1, ZONE))))
    assert only.why(pod("p", labels=S1)) == f"0/1 nodes are available: 1 {reason}."
    assert only.resolvable(pod("p", labels=S1)) == {"a"}


def test_the_first_of_its_kind_may_go_anywhere_with_the_label() -> None:
    table = Table(*nodes(), node("bare"))
    own = pod("p", labels=S1, affinity=affinity(near(S1, ZONE)))
    assert table.fits(own) == {"a", "b", "x"}
    other = pod("p", labels={"security": "S2"}, affinity=affinity(near(S1, ZONE)))
    assert table.fits(other) == set()
    assert "node(s) didn't match pod affinity rules" in table.why(other)
    assert table.resolvable(other) == set()


def test_the_second_goes_where_the_first_is() -> None:
    own = affinity(near(S1, ZONE))
    table = Table(*nodes(), pod("q", node="x", labels=S1, affinity=own))
    assert table.fits(pod("p", labels=S1, affinity=own)) == {"x"}


def test_one_pod_must_match_all_terms() -> None:
    terms = affinity(near(S1, ZONE), near({"tier": "db"}, ZONE))
    apart = Table(*nodes(), pod("q", node="a", labels=S1), pod("r", node="a", labels={"tier": "db"}))
    assert apart.fits(pod("p", affinity=terms)) == set()
    together = Table(*nodes(), pod("q", node="a", labels={**S1, "tier": "db"}))
    assert together.fits(pod("p", affinity=terms)) == {"a", "b"}


def test_affinity_and_anti_affinity_together() -> None:
    table = Table(*nodes(), pod("q", node="a", labels=S1))
    both = {**affinity(near(S1, ZONE)), **anti(near(S1, HOST))}
    assert table.fits(pod("p", affinity=both)) == {"b"}
    table.put(pod("r", node="b", labels=S1))
    assert "node(s) didn't match pod anti-affinity rules" in table.why(pod("p", affinity=both))


def test_namespaces_by_name_and_by_label() -> None:
    existing = pod("q", node="a", labels=S1, namespace="other")
    table = Table(namespace("other", team="blue"), namespace("default"), *nodes(), existing)
    assert table.fits(pod("p", affinity=affinity(near(S1, ZONE)))) == set()
    assert table.fits(pod("p", affinity=affinity(near(S1, ZONE, namespaces=["other"])))) == {"a", "b"}
    blue = near(S1, ZONE, namespaceSelector={"matchLabels": {"team": "blue"}})
    assert table.fits(pod("p", affinity=affinity(blue))) == {"a", "b"}
    assert table.fits(pod("p", affinity=affinity(near(S1, ZONE, namespaceSelector={})))) == {"a", "b"}
    table.put(namespace("other", team="red"))
    assert table.fits(pod("p", affinity=affinity(blue))) == set()
    table.put(namespace("other", team="blue"))
    assert table.fits(pod("p", affinity=affinity(blue))) == {"a", "b"}


def test_a_namespace_whose_labels_change_is_shunned_from_then_on() -> None:
    shy = pod("q", node="a", affinity=anti(near(S1, ZONE, namespaceSelector={"matchLabels": {"team": "blue"}})))
    table = Table(namespace("default"), *nodes(), shy)
    assert table.fits(pod("p", labels=S1)) == {"a", "b", "x"}
    table.put(namespace("default", team="blue"))
    assert table.fits(pod("p", labels=S1)) == {"x"}


def test_a_pod_that_goes_or_moves_changes_the_answer() -> None:
    table = Table(*nodes())
    first = table.place(pod("q", node="a", labels=S1))
    wanted = pod("p", affinity=anti(near(S1, ZONE)))
    assert table.fits(wanted) == {"x"}
    table.cluster.remove(first)
    assert table.fits(wanted) == {"a", "b", "x"}


@pytest.mark.parametrize(
    ("wish", "best"),
    [
        (preferred(5, near(S1, HOST)), {"a"}),
        (preferred(5, near(S1, ZONE)), {"a", "b"}),
        (preferred(5, near(S1, ZONE), "podAntiAffinity"), {"x"}),
        (preferred(5, near({"none": ""}, ZONE)), set()),
    ],
)
def test_preferences(wish: Any, best: set[str]) -> None:
    table = Table(*nodes(), pod("q", node="a", labels=S1))
    scores = table.scores(pod("p", affinity=wish), "InterPodAffinity")
    assert {name for name, score in scores.items() if score == 100} == best


def test_preferences_of_those_already_there_count_too() -> None:
    table = Table(*nodes(), pod("q", node="x", affinity=preferred(5, near(S1, ZONE))))
    assert table.scores(pod("p", labels=S1), "InterPodAffinity") == {"a": 0, "b": 0, "x": 100}
    shy = Table(*nodes(), pod("q", node="x", affinity=preferred(5, near(S1, ZONE), "podAntiAffinity")))
    assert shy.scores(pod("p", labels=S1), "InterPodAffinity") == {"a": 100, "b": 100, "x": 0}
    ignoring = {"InterPodAffinity": {"ignorePreferredTermsOfExistingPods": True}}
    deaf = Table(*nodes(), pod("q", node="x", affinity=preferred(5, near(S1, ZONE))), arguments=ignoring)
    assert set(deaf.scores(pod("p", labels=S1), "InterPodAffinity").values()) == {0}


def test_required_affinity_of_those_already_there_is_a_preference() -> None:
    existing = pod("q", node="x", affinity=affinity(near(S1, ZONE)))
    assert Table(*nodes(), existing).scores(pod("p", labels=S1), "InterPodAffinity") == {"a": 0, "b": 0, "x": 100}
    weightless = {"InterPodAffinity": {"hardPodAffinityWeight": 0}}
    table = Table(*nodes(), existing, arguments=weightless)
    assert set(table.scores(pod("p", labels=S1), "InterPodAffinity").values()) == {0}


def test_weights_are_compared() -> None:
    wish = {
        "podAffinity": {
            PREFERRED: [
                {"weight": 8, "podAffinityTerm": near(S1, ZONE)},
                {"weight": 2, "podAffinityTerm": near({"tier": "db"}, ZONE)},
            ]
        }
    }
    table = Table(*nodes(), pod("q", node="a", labels=S1), pod("r", node="x", labels={"tier": "db"}))
    assert table.scores(pod("p", affinity=wish), "InterPodAffinity") == {"a": 100, "b": 100, "x": 0}
