"""Workloads that disturb each other."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.errors import SettingsError
from cloudk8s.scheduler.configuration.model import ProfileConfiguration
from cloudk8s_scheduler_interference.plugin import interference
from tests.scheduler.harness import node, pod
from tests.scheduler.table import Table

LABEL = "cloudk8s.io/workload"


def table(*objects: Any, **arguments: Any) -> Table:
    configuration = ProfileConfiguration.model_validate(
        {
            "plugins": {"multiPoint": {"enabled": [{"name": "Interference", "weight": 5}]}},
            "pluginConfig": [{"name": "Interference", "args": arguments}],
        }
    )
    return Table(*objects, configuration=configuration, factories={"Interference": interference})


def kind(name: str, value: str, **more: Any) -> Any:
    return pod(name, labels={LABEL: value}, **more)


def test_like_pods_rather_go_apart() -> None:
    found = table(node("a"), node("b"), node("c"), kind("q", "cache", node="a"), kind("r", "disk", node="b"))
    assert found.scores(kind("p", "cache"), "Interference") == {"a": 0, "b": 100, "c": 100}
    assert set(found.scores(pod("plain"), "Interference").values()) == {0}
    assert found.chosen(kind("p", "cache"), times=10) <= {"b", "c"}


def test_penalties_of_several_conflicts_add_up() -> None:
    conflicts = [{"between": ["cache", "cache"], "penalty": 10}, {"between": ["batch", "cache"], "penalty": 30}]
    neighbours = [kind("q", "cache", node="a"), kind("r", "batch", node="b"), kind("s", "disk", node="c")]
    found = table(node("a"), node("b"), node("c"), *neighbours, conflicts=conflicts)
    assert found.scores(kind("p", "cache"), "Interference") == {"a": 100 - 33, "b": 0, "c": 100}
    assert found.scores(kind("p", "batch"), "Interference") == {"a": 0, "b": 100, "c": 100}
    assert set(found.scores(kind("p", "disk"), "Interference").values()) == {0}


@pytest.mark.parametrize(("limit", "fits"), [(0, {"c"}), (1, {"b", "c"}), (2, {"a", "b", "c"})])
def test_limits(limit: int, fits: set[str]) -> None:
    neighbours = [kind("q1", "disk", node="a"), kind("q2", "disk", node="a"), kind("r", "disk", node="b")]
    conflicts = [{"between": ["disk"], "limit": limit}]
    assert table(node("a"), node("b"), node("c"), *neighbours, conflicts=conflicts).fits(kind("p", "disk")) == fits


def test_the_reason_and_that_removing_pods_helps() -> None:
    conflicts = [{"between": ["disk"], "limit": 0}]
    found = table(node("a"), kind("q", "disk", node="a"), conflicts=conflicts)
    message = "0/1 nodes are available: 1 node(s) had too many workloads that interfere."
    assert found.why(kind("p", "disk")) == message
    assert found.resolvable(kind("p", "disk")) == {"a"}


def test_mistakes_in_the_arguments_are_named() -> None:
    with pytest.raises(SettingsError, match=r"pluginConfig of Interference: conflicts.0.penalty"):
        table(conflicts=[{"between": ["a"], "penalty": -1}])
