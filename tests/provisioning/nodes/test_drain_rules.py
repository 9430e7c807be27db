"""Which pods leave a machine, and when."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.provisioning.nodes.drain_rules import Place, Treatment, treatment

WEB = {"metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}}}
PLACE = Place({"tier": "edge"}, {"site": "north"}, {"shop": {"team": "a"}})


def rule(behavior: str, *, order: int | None = None, name: str = "rule", **spec: Any) -> dict[str, Any]:
    drain = {"behavior": behavior, **({"order": order} if order is not None else {})}
    return {"metadata": {"name": name}, "spec": {"drain": drain, **spec}}


def selects(**labels: str) -> dict[str, Any]:
    return {"matchLabels": labels}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"pods": [{"selector": selects(app="web")}]},
        {"pods": [{"namespaceSelector": selects(team="a")}]},
        {"pods": [{"selector": selects(app="db")}, {"selector": selects(app="web")}]},
        {"machines": [{"selector": selects(tier="edge")}]},
        {"machines": [{"clusterSelector": selects(site="north")}], "pods": [{"selector": selects(app="web")}]},
    ],
)
def test_a_rule_that_fits_says_what_happens(spec: dict[str, Any]) -> None:
    assert treatment(WEB, [rule("Drain", order=7, **spec)], PLACE) == Treatment("Drain", 7)
    assert treatment(WEB, [rule("Skip", **spec)], PLACE) == Treatment("Skip")


@pytest.mark.parametrize(
    "spec",
    [
        {"pods": [{"selector": selects(app="db")}]},
        {"pods": [{"selector": selects(app="web"), "namespaceSelector": selects(team="b")}]},
        {"machines": [{"selector": selects(tier="core")}]},
        {"machines": [{"selector": selects(tier="edge"), "clusterSelector": selects(site="south")}]},
        {"machines": [{"selector": selects(tier="core")}], "pods": [{"selector": selects(app="web")}]},
    ],
)
def test_a_rule_that_does_not_fit_says_nothing(spec: dict[str, Any]) -> None:
    assert treatment(WEB, [rule("Skip", **spec)], PLACE) == Treatment("Drain", 0)


def test_the_first_rule_by_name_counts() -> None:
    rules = [rule("Skip", name="b"), rule("WaitCompleted", name="a")]
    assert treatment(WEB, rules, PLACE).behavior == "WaitCompleted"


@pytest.mark.parametrize(("label", "behavior"), [("skip", "Skip"), ("wait-completed", "WaitCompleted")])
def test_a_pods_own_label_goes_before_rules(label: str, behavior: str) -> None:
    pod = {"metadata": {"name": "web", "namespace": "shop", "labels": {"cluster.x-k8s.io/drain": label}}}
    assert treatment(pod, [rule("Drain", order=3)], PLACE).behavior == behavior
