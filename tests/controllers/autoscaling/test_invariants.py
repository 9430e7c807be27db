"""What holds for every load and every set of rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.client.interface import Object
from cloudk8s.controllers.autoscaling.damping import (
    History,
    Wish,
    bounded,
    bounded_by_rules,
    stabilized,
    stabilized_by_rules,
)
from cloudk8s.controllers.autoscaling.metrics import Sample
from cloudk8s.controllers.autoscaling.usage import Calculation, Tolerances, Warmup

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIZES = st.integers(1, 50)
POLICIES = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["Pods", "Percent"]),
            "value": st.integers(1, 100),
            "periodSeconds": st.sampled_from([15, 30, 60]),
        }
    ),
    min_size=1,
    max_size=3,
)
RULES = st.fixed_dictionaries(
    {
        "stabilizationWindowSeconds": st.sampled_from([0, 30, 60]),
        "selectPolicy": st.sampled_from(["Max", "Min", "Disabled"]),
        "policies": POLICIES,
    }
)
BEHAVIOR = st.fixed_dictionaries({"scaleUp": RULES, "scaleDown": RULES})
LOADS = st.lists(st.integers(0, 80), min_size=1, max_size=30)


def steps(
    behavior: dict[str, Any] | None, loads: list[int], start: int, low: int, high: int
) -> list[tuple[int, int, int]]:
    """Size before, what metrics called for, and size after, every fifteen seconds."""
    history, size, told = History(), start, []
    for turn, load in enumerate(loads):
        now = 15.0 * turn
        history.begin(size, now)
        wish = Wish(size, load, low, high)
        if behavior is None:
            steady = stabilized(history, wish, 300.0, now)
            after = bounded(Wish(size, steady.replicas, low, high)).replicas
        else:
            steady = stabilized_by_rules(history, wish, behavior, 300.0, now)
            after = bounded_by_rules(history, Wish(size, steady.replicas, low, high), behavior, now).replicas
        if after != size:
            history.scaled(behavior, size, after, now)
        told.append((size, load, after))
        size = after
    return told


@given(loads=LOADS, start=st.integers(5, 40), behavior=st.none() | BEHAVIOR)
def test_sizes_stay_between_the_bounds(loads: list[int], start: int, behavior: dict[str, Any] | None) -> None:
    assert all(5 <= after <= 40 for _, _, after in steps(behavior, loads, start, 5, 40))


@given(loads=LOADS, start=SIZES, behavior=BEHAVIOR)
def test_rules_never_turn_a_wish_around(loads: list[int], start: int, behavior: dict[str, Any]) -> None:
    for before, wanted, after in steps(behavior, loads, start, 1, 50):
        if wanted >= before:
            assert after >= before or before > 50
        else:
            assert after <= before


@given(loads=LOADS, start=SIZES, behavior=BEHAVIOR)
def test_a_disabled_direction_is_never_taken(loads: list[int], start: int, behavior: dict[str, Any]) -> None:
    behavior = {**behavior, "scaleDown": {**behavior["scaleDown"], "selectPolicy": "Disabled"}}
    assert all(after >= before for before, _, after in steps(behavior, loads, start, 1, 50))


@given(loads=LOADS, start=SIZES, value=st.integers(1, 10))
def test_no_more_pods_come_in_a_period_than_the_only_policy_allows(loads: list[int], start: int, value: int) -> None:
    policy = {"type": "Pods", "value": value, "periodSeconds": 60}
    rules = {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [policy]}
    told = steps({"scaleUp": rules, "scaleDown": {**rules, "selectPolicy": "Disabled"}}, loads, start, 1, 50)
    grown = [after - before for before, _, after in told]
    assert all(sum(grown[turn : turn + 4]) <= value for turn in range(len(grown)))


@given(loads=LOADS, start=SIZES)
def test_without_rules_a_size_falls_only_when_nothing_higher_was_wanted_for_five_minutes(
    loads: list[int], start: int
) -> None:
    told = steps(None, loads, start, 1, 50)
    for turn, (before, _, after) in enumerate(told):
        if after < before:
            recent = [start, *loads] if turn <= 20 else loads[turn - 20 : turn + 1]
            assert after >= min(50, max(recent[: turn + 2]))


def pod(name: str) -> Object:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2025-01-01T00:00:00Z"}
    status = {"phase": "Running", "startTime": "2025-01-01T00:00:00Z", "conditions": [ready]}
    return {"metadata": {"name": name, "namespace": "d"}, "spec": {"containers": []}, "status": status}


@given(usage=st.lists(st.integers(1, 5000) | st.none(), min_size=1, max_size=20), target=st.integers(1, 3000))
def test_pods_without_metrics_only_make_a_change_smaller(usage: list[int | None], target: int) -> None:
    known = [value for value in usage if value is not None]
    if not known:
        return
    pods = [pod(f"p{index}") for index in range(len(usage))]
    samples = {f"p{index}": Sample(value, NOW) for index, value in enumerate(usage) if value is not None}
    warmup = Warmup(timedelta(minutes=5), timedelta(seconds=30))
    calculation = Calculation(pods, len(pods), Tolerances(), warmup, NOW)

    def ratio(found: Mapping[str, int]) -> Any:
        return Fraction(sum(found.values()), len(found) * target)  # exact, or rounding asks for a pod more

    wanted, _ = calculation.replicas(samples, "cpu", ratio, lambda _: target)
    share: Any = Fraction(sum(known), len(known) * target)
    if Tolerances().accept(share):
        assert wanted == len(pods)
    elif share > 1:
        assert wanted >= len(pods)
        assert wanted <= max(len(pods), -(-sum(known) // target))
    else:
        assert wanted <= len(pods)
