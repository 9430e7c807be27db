from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.controllers.autoscaling.damping import (
    History,
    Wish,
    bounded,
    bounded_by_rules,
    stabilized,
    stabilized_by_rules,
)


@pytest.mark.parametrize(
    ("current", "desired", "expected", "reason"),
    [
        (3, 5, 5, "DesiredWithinRange"),
        (1, 9, 4, "ScaleUpLimit"),
        (3, 9, 6, "ScaleUpLimit"),
        (8, 20, 10, "TooManyReplicas"),
        (5, 1, 2, "TooFewReplicas"),
    ],
)
def test_bounds_without_rules(current: int, desired: int, expected: int, reason: str) -> None:
    found = bounded(Wish(current, desired, minimum=2, maximum=10))
    assert (found.replicas, found.reason) == (expected, reason)


def test_without_rules_the_highest_recommendation_of_the_window_counts() -> None:
    history = History()
    history.begin(5, now=0.0)
    sizes = [
        stabilized(history, Wish(5, desired, 1, 10), 300.0, now).replicas
        for now, desired in ((15.0, 8), (30.0, 3), (200.0, 3), (320.0, 3), (340.0, 3), (700.0, 2))
    ]
    assert sizes == [8, 8, 8, 3, 3, 2]


def rules(policy: str, kind: str, value: int, period: int = 60, select: str = "Max") -> dict[str, Any]:
    policies = [{"type": kind, "value": value, "periodSeconds": period}]
    return {policy: {"policies": policies, "selectPolicy": select}}


@pytest.mark.parametrize(
    ("behavior", "current", "desired", "expected", "reason"),
    [
        (rules("scaleUp", "Pods", 2), 4, 9, 6, "ScaleUpLimit"),
        (rules("scaleUp", "Percent", 10), 4, 9, 5, "ScaleUpLimit"),
        (rules("scaleUp", "Percent", 900), 4, 30, 20, "TooManyReplicas"),
        (rules("scaleUp", "Pods", 2, select="Disabled"), 4, 9, 4, "ScaleUpLimit"),
        (rules("scaleDown", "Pods", 1), 9, 3, 8, "ScaleDownLimit"),
        (rules("scaleDown", "Percent", 50), 9, 3, 4, "ScaleDownLimit"),
        (rules("scaleDown", "Percent", 100), 9, 0, 2, "TooFewReplicas"),
        (rules("scaleUp", "Pods", 9), 4, 9, 9, "DesiredWithinRange"),
    ],
)
def test_rates(behavior: Any, current: int, desired: int, expected: int, reason: str) -> None:
    found = bounded_by_rules(History(), Wish(current, desired, minimum=2, maximum=20), behavior, now=0.0)
    assert (found.replicas, found.reason) == (expected, reason)


def test_what_happened_within_the_period_counts_against_the_rate() -> None:
    history, behavior = History(), rules("scaleUp", "Pods", 4)
    history.scaled(behavior, 2, 5, now=0.0)
    assert bounded_by_rules(history, Wish(5, 20, 1, 50), behavior, now=30.0).replicas == 6
    assert bounded_by_rules(history, Wish(5, 20, 1, 50), behavior, now=61.0).replicas == 9


@pytest.mark.parametrize(("select", "expected"), [("Max", 10), ("Min", 6)])
def test_the_select_policy_chooses_between_rules(select: str, expected: int) -> None:
    policies = [
        {"type": "Pods", "value": 1, "periodSeconds": 60}, {"type": "Percent", "value": 100, "periodSeconds": 60},
    ]  # fmt: skip
    behavior = {"scaleUp": {"policies": policies, "selectPolicy": select}}
    assert bounded_by_rules(History(), Wish(5, 50, 1, 50), behavior, now=0.0).replicas == expected


def test_windows_hold_back_in_both_directions() -> None:
    behavior = {
        "scaleUp": {"stabilizationWindowSeconds": 60, "policies": []},
        "scaleDown": {"stabilizationWindowSeconds": 120, "policies": []},
    }
    history = History()
    history.begin(5, now=0.0)

    def step(now: float, current: int, desired: int) -> tuple[int, str]:
        found = stabilized_by_rules(history, Wish(current, desired, 1, 50), behavior, 300.0, now)
        return found.replicas, found.reason

    assert step(10, 5, 9) == (5, "ScaleUpStabilized")
    assert step(65, 5, 9) == (9, "ReadyForNewScale")
    assert step(80, 9, 2) == (9, "ScaleDownStabilized")
    assert step(250, 9, 2) == (2, "ReadyForNewScale")
