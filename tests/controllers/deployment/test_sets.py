"""The arithmetic alone, over every shape of rollout that hypothesis can think of."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.client.interface import Object
from cloudk8s.controllers.deployment import scaling, sets
from cloudk8s.controllers.deployment.annotations import MAX_REPLICAS
from cloudk8s.machinery.int_or_string import scaled_value
from tests.controllers.harness import deployment, replica_set, rolling

amounts = st.one_of(st.integers(0, 30), st.integers(0, 100).map(lambda number: f"{number}%"))


@st.composite
def rollouts(draw: st.DrawFn) -> tuple[Object, list[Object]]:
    made = deployment("web", draw(st.integers(0, 40)), strategy=rolling(draw(amounts), draw(amounts)))
    found = []
    for number, size in enumerate(draw(st.lists(st.integers(0, 30), min_size=1, max_size=5))):
        item = replica_set(f"rs{number}", size)
        item["metadata"]["annotations"] = {MAX_REPLICAS: str(draw(st.integers(1, 60)))}
        item["status"] = {"availableReplicas": draw(st.integers(0, size)), "replicas": size}
        found.append(item)
    return made, found


@given(rollouts())
def test_the_new_one_never_grows_beyond_what_surge_allows(rollout: tuple[Object, list[Object]]) -> None:
    made, found = rollout
    new = found[0]
    size = sets.new_size(made, found, new)
    growth = size - sets.replicas(new)
    assert growth <= 0 or sets.total(found) + growth <= sets.replicas(made) + max(sets.max_surge(made), _surge(made))
    assert growth <= 0 or size <= sets.replicas(made)


@given(rollouts())
def test_scaling_down_never_takes_from_what_must_be_available(rollout: tuple[Object, list[Object]]) -> None:
    made, found = rollout
    new = found[0]
    room = sets.may_scale_down(made, found, new)
    least = sets.replicas(made) - sets.max_unavailable(made)
    left_if_old_ones_are_all_available = sets.total(found[1:]) + sets.count(new, "availableReplicas") - room
    assert left_if_old_ones_are_all_available == least


@given(rollouts())
def test_proportional_sizes_add_up_and_are_never_negative(rollout: tuple[Object, list[Object]]) -> None:
    made, found = rollout
    active = sets.active(found)
    result = scaling.proportional_sizes(made, active)
    assert all(size >= 0 for size in result.values())
    wanted = sets.replicas(made)
    allowed = wanted + sets.max_surge(made) if wanted else 0
    if active and sets.total(active) <= allowed:
        assert sum(result.values()) == allowed


@given(rollouts())
def test_at_least_one_of_surge_and_unavailable_lets_a_rollout_move(rollout: tuple[Object, list[Object]]) -> None:
    made, _ = rollout
    if sets.replicas(made):
        assert sets.max_surge(made) + sets.max_unavailable(made) > 0


def _surge(made: Any) -> int:
    value = made["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
    return int(scaled_value(value, sets.replicas(made), round_up=True))
