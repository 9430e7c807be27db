"""Resource requests, fit and scores: against upstream's rules."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.errors import SettingsError
from cloudk8s.scheduler.pod.requests import pod_requests
from tests.scheduler.harness import node, pod
from tests.scheduler.table import Table

MI = 1024 * 1024


def container(cpu: str = "", memory: str = "", **more: Any) -> dict[str, Any]:
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    return {"name": more.pop("name", "c"), "resources": {"requests": requests}, **more}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": [container("1", "1Gi"), container("500m")]}, {"cpu": 1500, "memory": 1024 * MI}),
        ({"containers": [container("1")], "initContainers": [container("3"), container("2")]}, {"cpu": 3000}),
        ({"containers": [container("3")], "initContainers": [container("1"), container("2")]}, {"cpu": 3000}),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, {"cpu": 1250}),
        (
            {
                "containers": [container("1")],
                "initContainers": [container("1", restartPolicy="Always"), container("5"), container("2")],
            },
            {"cpu": 6000},
        ),
        (
            {
                "containers": [container("4")],
                "initContainers": [container("2"), container("1", restartPolicy="Always")],
            },
            {"cpu": 5000},
        ),
        (
            {"containers": [container("1", "1Gi")], "resources": {"requests": {"cpu": "4"}}},
            {"cpu": 4000, "memory": 1024 * MI},
        ),
    ],
)
def test_a_pods_requests(spec: dict[str, Any], expected: dict[str, int]) -> None:
    assert pod_requests(spec) == expected


def test_containers_that_say_nothing_count_a_little_in_scores() -> None:
    spec = {"containers": [container(), container("1", "1Gi")]}
    assert pod_requests(spec, defaults=True) == {"cpu": 1100, "memory": (200 + 1024) * MI}
    assert pod_requests(spec) == {"cpu": 1000, "memory": 1024 * MI}


def test_a_resize_in_progress_takes_the_larger_of_both() -> None:
    spec = {"containers": [container("1")]}
    status = {"containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "2"}}]}
    assert pod_requests(spec, status) == {"cpu": 2000}


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({"cpu": "1"}, True),
        ({"cpu": "1001m"}, False),
        ({"memory": "1Gi"}, True),
        ({"memory": "1025Mi"}, False),
        ({}, True),
    ],
)
def test_what_is_free_is_what_others_left(wanted: dict[str, str], fits: bool) -> None:
    table = Table(node("a", cpu="2", memory="2Gi"), pod("q", node="a", cpu="1", memory="1Gi"))
    assert table.fits(pod("p", **wanted)) == ({"a"} if fits else set())  # type: ignore[arg-type]


def test_every_resource_that_is_short_is_named() -> None:
    table = Table(node("a", cpu="2", memory="2Gi", pods="1"), pod("q", node="a", cpu="1", memory="1Gi"))
    wanted = pod("p", cpu="2", memory="2Gi", requests={"example.com/gpu": "1"})
    message = (
        "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 Insufficient memory, "
        "1 Too many pods."
    )
    assert table.why(wanted) == message


def test_what_a_node_never_had_cannot_be_freed() -> None:
    table = Table(node("a", cpu="1"), node("b", cpu="4"), pod("q", node="b", cpu="3"))
    assert table.resolvable(pod("p", cpu="2")) == {"b"}


def test_extended_resources() -> None:
    table = Table(node("a", example_com__gpu="2"), node("b"), pod("q", node="a", requests={"example.com/gpu": "1"}))
    assert table.fits(pod("p", requests={"example.com/gpu": "1"})) == {"a"}
    assert table.fits(pod("p", requests={"example.com/gpu": "2"})) == set()


def test_ignored_resources_do_not_matter() -> None:
    arguments = {"NodeResourcesFit": {"ignoredResources": ["a.io/x"], "ignoredResourceGroups": ["b.io"]}}
    table = Table(node("a"), arguments=arguments)
    assert table.fits(pod("p", requests={"a.io/x": "1", "b.io/y": "1"})) == {"a"}


def test_best_effort_pods_need_only_a_place() -> None:
    table = Table(node("a", cpu="1"), pod("q", node="a", cpu="2"))
    assert table.fits(pod("p")) == {"a"}
    assert table.fits(pod("p", cpu="1m")) == set()


def test_least_allocated() -> None:
    table = Table(
        node("a", cpu="4", memory="10000"),
        node("b", cpu="6", memory="10000"),
        pod("q", node="a", cpu="3", memory="5000"),
        pod("r", node="b", cpu="3", memory="5000"),
    )
    scores = table.scores(pod("p", cpu="1m", memory="1"), "NodeResourcesFit")
    assert scores == {"a": (24 + 49) // 2, "b": (49 + 49) // 2}


def strategy(kind: str, **more: Any) -> dict[str, Any]:
    return {"NodeResourcesFit": {"scoringStrategy": {"type": kind, **more}}}


def test_most_allocated() -> None:
    table = Table(
        node("a", cpu="4", memory="8Gi"), node("b", cpu="8", memory="8Gi"), arguments=strategy("MostAllocated")
    )
    assert table.scores(pod("p", cpu="2", memory="2Gi"), "NodeResourcesFit") == {"a": 37, "b": 25}


def test_requested_to_capacity_follows_the_curve() -> None:
    shape = [{"utilization": 0, "score": 0}, {"utilization": 50, "score": 10}, {"utilization": 100, "score": 0}]
    resources = [{"name": "cpu", "weight": 1}]
    arguments = strategy("RequestedToCapacityRatio", resources=resources, requestedToCapacityRatio={"shape": shape})
    table = Table(node("a", cpu="4"), node("b", cpu="8"), node("c", cpu="2"), arguments=arguments)
    assert table.scores(pod("p", cpu="2", memory="1"), "NodeResourcesFit") == {"a": 100, "b": 50, "c": 0}


def test_weights_of_resources_and_resources_a_node_has_not() -> None:
    resources = [{"name": "cpu", "weight": 1}, {"name": "example.com/gpu", "weight": 3}]
    table = Table(
        node("a", cpu="4", example_com__gpu="4"),
        node("b", cpu="4", example_com__gpu="2"),
        arguments=strategy("LeastAllocated", resources=resources),
    )
    wanted = pod("p", cpu="1", requests={"example.com/gpu": "1"})
    assert table.scores(wanted, "NodeResourcesFit") == {"a": (75 + 3 * 75) // 4, "b": (75 + 3 * 50) // 4}
    assert table.scores(pod("q", cpu="1"), "NodeResourcesFit") == {"a": 75, "b": 75}


def test_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(SettingsError, match="'LeastWasted' is none of"):
        Table(arguments=strategy("LeastWasted"))


def test_balanced_allocation() -> None:
    table = Table(
        node("a", cpu="4", memory="10000"),
        node("b", cpu="6", memory="10000"),
        pod("q", node="a", cpu="3", memory="5000"),
        pod("r", node="b", cpu="3", memory="5000"),
    )
    scores = table.scores(pod("p", cpu="500m", memory="1000"), "NodeResourcesBalancedAllocation")
    cpu_a, cpu_b, memory = 3500 / 4000, 3500 / 6000, 0.6
    assert scores == {"a": int((1 - (cpu_a - memory) / 2) * 100), "b": int((1 - abs(cpu_b - memory) / 2) * 100)}
    assert set(table.scores(pod("p"), "NodeResourcesBalancedAllocation").values()) == {0}


def test_a_node_that_shrinks_below_its_pods_takes_no_more() -> None:
    table = Table(node("a", cpu="4"), pod("q", node="a", cpu="3"))
    assert table.fits(pod("p", cpu="1")) == {"a"}
    table.put(node("a", cpu="2"))
    assert table.fits(pod("p", cpu="1")) == set()
    table.put(node("a", cpu="8"))
    assert table.fits(pod("p", cpu="5")) == {"a"}


def test_pods_of_a_node_that_comes_later_count() -> None:
    table = Table(pod("q", node="a", cpu="3"))
    assert table.why(pod("p")) == "no nodes available to schedule pods"
    table.put(node("a", cpu="4"))
    assert table.fits(pod("p", cpu="2")) == set()
    assert table.fits(pod("p", cpu="1")) == {"a"}
