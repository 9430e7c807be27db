"""How many machines of the new and of the old templates there shall be next. Pure.

The arithmetic of Cluster API's MachineDeployment: never fewer than `replicas - max_unavailable` that serve, never more
than `replicas + max_surge` that exist. What to delete is chosen by the same process a moment later, so a machine that
does not serve can go without counting against those that do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cloudk8s.provisioning.declaration.pool import Rollout


@dataclass(frozen=True, slots=True)
class SetState:
    """Machines of one template: a MachineSet."""

    name: str
    wanted: int
    """How many the set shall have, as far as was decided before."""
    present: int
    """How many exist, those that are being deleted too."""
    available: int
    """How many serve."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Surge and unavailability as numbers: surge rounds up, unavailability down; both 0 makes unavailability 1."""

    surge: int
    unavailable: int

    @staticmethod
    def of(rollout: Rollout, replicas: int) -> Bounds:
        surge = resolve(rollout.max_surge, replicas, up=True)
        unavailable = resolve(rollout.max_unavailable, replicas, up=False)
        return Bounds(surge, unavailable if surge or unavailable else 1)


def resolve(value: int | str, total: int, *, up: bool) -> int:
    """A number, or a percentage of the total."""
    if isinstance(value, int):
        return value
    exact = int(value.rstrip("%")) * total
    return math.ceil(exact / 100) if up else exact // 100


def next_sizes(replicas: int, rollout: Rollout, new: SetState, old: Sequence[SetState]) -> dict[str, int]:
    """How many machines each set shall have next, by name. `old` is ordered from the oldest."""
    if rollout.type == "OnDelete":
        return _on_delete(replicas, new, old)
    bounds = Bounds.of(rollout, replicas)
    grown = _grow(replicas, bounds, new, old)
    return {new.name: grown} | _shrink(replicas, bounds, new, grown, old)


def _on_delete(replicas: int, new: SetState, old: Sequence[SetState]) -> dict[str, int]:
    """The new set fills holes only; old sets follow what still exists, and shrink when the pool does."""
    sizes = {entry.name: min(entry.wanted, entry.present) for entry in old}
    excess = sum(sizes.values()) + new.wanted - replicas
    for entry in old:
        if excess > 0:
            taken = min(excess, sizes[entry.name])
            sizes[entry.name] -= taken
            excess -= taken
    return {new.name: max(replicas - sum(sizes.values()), 0)} | sizes


def _grow(replicas: int, bounds: Bounds, new: SetState, old: Sequence[SetState]) -> int:
    if new.wanted >= replicas:
        return replicas
    total = sum(max(entry.wanted, entry.present) for entry in (new, *old))
    room = replicas + bounds.surge - total
    return new.wanted + max(0, min(room, replicas - new.wanted))


def _shrink(replicas: int, bounds: Bounds, new: SetState, grown: int, old: Sequence[SetState]) -> dict[str, int]:
    fewest = max(replicas - bounds.unavailable, 0)
    sizes = {entry.name: entry.wanted for entry in old}
    serving = new.available + sum(min(entry.available, entry.wanted) for entry in old)
    room = grown + sum(sizes.values()) - fewest - max(grown - new.available, 0)
    for entry in old:  # what does not serve goes first, from the oldest on
        taken = max(0, min(room, entry.wanted - entry.available, sizes[entry.name]))
        sizes[entry.name] -= taken
        room -= taken
    for entry in old:
        taken = max(0, min(room, serving - fewest, sizes[entry.name]))
        sizes[entry.name] -= taken
        room -= taken
        serving -= taken
    return sizes
