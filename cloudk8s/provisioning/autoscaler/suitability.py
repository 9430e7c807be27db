"""Which offers and nodes suit a demand, other pods apart, how much it prefers each, and how many pods each holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cloudk8s.provisioning.autoscaler.demand import Demand
from cloudk8s.provisioning.autoscaler.volumes import ATTACHED
from cloudk8s.scheduler.pod.ports import HostPort
from cloudk8s.scheduler.pod.requests import Amounts
from cloudk8s.scheduler.pod.spread import SpreadConstraint
from cloudk8s.scheduler.pod.toleration import NO_EXECUTE, NO_SCHEDULE, PREFER_NO_SCHEDULE, Taint, untolerated

Bools = NDArray[np.bool_]
Numbers = NDArray[np.int64]
MANY = 1 << 40
"""More pods than there are."""
UNPREFERRED = 100
"""What a taint that nobody has to tolerate counts for, among preferences that weigh 1 to 100."""


class Place(Protocol):
    """An offer or a node."""

    @property
    def allocatable(self) -> Amounts: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def taints(self) -> tuple[Taint, ...]: ...
    @property
    def ports(self) -> tuple[HostPort, ...]: ...
    @property
    def features(self) -> frozenset[str]: ...


class Suitability:
    """Remembers what it has found for demands that are placed alike."""

    def __init__(self, places: Sequence[Place], names: Sequence[str]) -> None:
        self._places, self._names = places, names
        self._suits: dict[bytes, Bools] = {}
        self._counting: dict[tuple[bytes, bool, bool], Bools] = {}
        self._preferences: dict[bytes, Numbers] = {}
        self._softly = np.array([any(each.effect == PREFER_NO_SCHEDULE for each in place.taints) for place in places])

    def suits(self, demand: Demand) -> Bools:
        """By labels, volumes, taints, ports that are taken on every such machine, and features."""
        found = self._suits.get(demand.placing)
        if found is None:
            reasons = (reason_against(demand, *pair) for pair in zip(self._names, self._places, strict=True))
            found = np.fromiter((not reason for reason in reasons), dtype=bool, count=len(self._places))
            self._suits[demand.placing] = found
        return found

    def counts_for(self, demand: Demand, constraint: SpreadConstraint) -> Bools:
        """Places whose pods a spread constraint of the demand counts, if they have its label."""
        key = demand.placing, constraint.honours_affinity, constraint.honours_taints
        found = self._counting.get(key)
        if found is None:
            pairs = zip(self._names, self._places, strict=True)
            counting = (_counts(demand, constraint, *pair) for pair in pairs)
            found = self._counting[key] = np.fromiter(counting, dtype=bool, count=len(self._places))
        return found

    def preferences(self, demand: Demand) -> Numbers | None:
        """How much the demand prefers each place, by node affinity and taints; None if all are the same to it."""
        if not demand.shape.selection.preferred and not self._softly.any():
            return None
        found = self._preferences.get(demand.placing)
        if found is None:
            weights = [_weight(demand, *pair) for pair in zip(self._names, self._places, strict=True)]
            found = self._preferences[demand.placing] = np.array(weights, dtype=np.int64)
        return found


def reason_against(demand: Demand, name: str, place: Place) -> str:
    """Why a place does not suit, in the scheduler's words; empty if it does."""
    shape = demand.shape
    if shape.selection.is_restricted and not shape.selection.matches(name, place.labels):
        return "didn't match Pod's node affinity/selector"
    if place.taints and untolerated(shape.tolerations, place.taints, NO_SCHEDULE, NO_EXECUTE):
        return "had untolerated taint(s)"
    if demand.needs.places and not demand.needs.are_met(name, place.labels):
        return "had volume node affinity conflict"
    if shape.ports and any(own.clashes(taken) for own in shape.ports for taken in place.ports):
        return "didn't have free ports for the requested pod ports"
    if missing := sorted(set(shape.features) - place.features):
        return f"declared no feature {', '.join(missing)}"
    return ""


def _counts(demand: Demand, constraint: SpreadConstraint, name: str, place: Place) -> bool:
    shape = demand.shape
    if (
        constraint.honours_affinity
        and shape.selection.is_restricted
        and not shape.selection.matches(name, place.labels)
    ):
        return False
    return not constraint.honours_taints or not untolerated(shape.tolerations, place.taints, NO_SCHEDULE, NO_EXECUTE)


def _weight(demand: Demand, name: str, place: Place) -> int:
    shape = demand.shape
    liked = sum(weight for weight, term in shape.selection.preferred if term.matches(name, place.labels))
    return liked - UNPREFERRED * len(untolerated(shape.tolerations, place.taints, PREFER_NO_SCHEDULE))


def sizes(rows: Sequence[Mapping[str, int]], resources: Sequence[str]) -> Numbers:
    """Amounts as a table; what a row does not name is 0, but for volumes, of which any number may be attached then."""
    unsaid = [(name, MANY if name.startswith(ATTACHED) else 0) for name in resources]
    table: Any = [[row.get(name, least) for name, least in unsaid] for row in rows]
    return np.array(table, dtype=np.int64).reshape(len(rows), len(resources))


def need_of(demand: Demand, resources: Sequence[str]) -> Numbers:
    """What one pod of a demand takes, as a row."""
    requests = demand.requests
    return np.array([requests.get(name, 0) for name in resources], dtype=np.int64)


def holds(free: Numbers, need: Numbers) -> Numbers:
    """How many times a need fits into each row."""
    asked = need > 0
    if not asked.any():
        return np.full(len(free), MANY, dtype=np.int64)
    times: Numbers = np.maximum(free[:, asked] // need[asked], 0).min(axis=1)
    return times


def holds_one(free: Numbers, need: Numbers) -> Bools:
    """Whether a need fits into each row at all."""
    found = np.ones(len(free), dtype=bool)
    for column in np.flatnonzero(need).tolist():
        found &= free[:, column] >= need[column]
    return found
