"""The arithmetic of rollouts: never too few that serve, never too many, and always an end."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudk8s.provisioning.declaration.pool import Rollout
from cloudk8s.provisioning.machines.rollout import Bounds, SetState, next_sizes, resolve


@pytest.mark.parametrize(
    ("value", "up", "expected"),
    [(2, True, 2), ("25%", True, 2), ("25%", False, 1), ("0%", True, 0), ("100%", False, 6)],
)
def test_surge_rounds_up_and_unavailability_down(value: int | str, up: bool, expected: int) -> None:
    assert resolve(value, 6, up=up) == expected


def test_both_zero_after_rounding_makes_one_unavailable() -> None:
    assert Bounds.of(Rollout(max_surge=0, max_unavailable="10%"), 3) == Bounds(0, 1)


def test_a_new_set_grows_to_its_size_at_once() -> None:
    assert next_sizes(5, Rollout(), SetState("new", 0, 0, 0), []) == {"new": 5}


def test_a_rolling_update_makes_one_then_takes_one() -> None:
    old = SetState("old", 3, 3, 3)
    assert next_sizes(3, Rollout(), SetState("new", 0, 0, 0), [old]) == {"new": 1, "old": 3}
    assert next_sizes(3, Rollout(), SetState("new", 1, 1, 0), [old]) == {"new": 1, "old": 3}
    assert next_sizes(3, Rollout(), SetState("new", 1, 1, 1), [old]) == {"new": 1, "old": 2}


def test_what_does_not_serve_goes_first_from_the_oldest() -> None:
    olds = [SetState("older", 2, 2, 2), SetState("old", 2, 2, 0)]
    sizes = next_sizes(4, Rollout(max_surge=0, max_unavailable=2), SetState("new", 0, 0, 0), olds)
    assert sizes == {"new": 0, "older": 2, "old": 0}


def test_on_delete_only_fills_holes() -> None:
    rollout = Rollout(type="OnDelete")
    assert next_sizes(3, rollout, SetState("new", 0, 0, 0), [SetState("old", 3, 3, 3)]) == {"new": 0, "old": 3}
    assert next_sizes(3, rollout, SetState("new", 0, 0, 0), [SetState("old", 2, 2, 2)]) == {"new": 1, "old": 2}
    assert next_sizes(1, rollout, SetState("new", 0, 0, 0), [SetState("old", 3, 3, 3)]) == {"new": 0, "old": 1}


@dataclass
class Pretend:
    """Sets whose machines become available when chance says so; the worst machines are taken first."""

    dice: random.Random
    sets: dict[str, list[bool]] = field(default_factory=dict)

    def states(self) -> dict[str, SetState]:
        return {name: SetState(name, len(m), len(m), sum(m)) for name, m in self.sets.items()}

    def resize(self, name: str, size: int) -> None:
        machines = sorted(self.sets[name], reverse=True)
        self.sets[name] = machines[:size] + [False] * (size - len(machines))

    def settle(self, chance: float) -> None:
        for machines in self.sets.values():
            machines[:] = [serves or self.dice.random() < chance for serves in machines]

    @property
    def available(self) -> int:
        return sum(map(sum, self.sets.values()))

    @property
    def total(self) -> int:
        return sum(map(len, self.sets.values()))


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 12), st.integers(0, 12), st.integers(0, 4), st.integers(0, 4), st.integers(1, 3),
    st.integers(0, 2**16), st.integers(0, 12),
)  # fmt: skip
def test_bounds_hold_at_every_step_and_it_ends(
    replicas: int, before: int, surge: int, unavailable: int, olds: int, seed: int, later: int
) -> None:
    if not surge and not unavailable:
        surge = 1
    rollout = Rollout(max_surge=surge, max_unavailable=unavailable)
    world = Pretend(random.Random(seed))
    world.sets = {f"old-{number}": [True] * (before // olds) for number in range(olds)} | {"new": []}
    wanted = replicas
    for step in range(400):
        if step == 5:
            wanted = later
        bounds = Bounds.of(rollout, wanted)
        states = world.states()
        new = states.pop("new")
        old = [entry for entry in states.values() if entry.present]
        sizes = next_sizes(wanted, rollout, new, old)
        available, total = world.available, world.total
        for name, size in sizes.items():
            world.resize(name, size)
        assert world.total <= max(wanted + bounds.surge, total)
        assert world.available >= min(available, wanted - bounds.unavailable)
        if len(world.sets["new"]) == wanted and world.total == wanted and all(world.sets["new"]):
            return
        world.settle(0.5)
    raise AssertionError(f"no end: {world.sets}")
