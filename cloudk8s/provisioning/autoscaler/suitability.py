"""Which offers and nodes suit a demand by selectors, affinity and taints, and how many of its pods each holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cloudk8s.provisioning.autoscaler.demand import Demand
from cloudk8s.scheduler.pod.requests import Amounts
from cloudk8s.scheduler.pod.toleration import NO_EXECUTE, NO_SCHEDULE, Taint, untolerated

Bools = NDArray[np.bool_]
Numbers = NDArray[np.int64]
MANY = 1 << 40
"""More pods than there are."""


class Place(Protocol):
    """An offer or a node."""

    @property
    def allocatable(self) -> Amounts: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def taints(self) -> tuple[Taint, ...]: ...


class Suitability:
    """Remembers what it has found for demands that are placed alike."""

    def __init__(self, places: Sequence[Place], names: Sequence[str]) -> None:
        self._places, self._names = places, names
        self._known: dict[bytes, tuple[Bools, Bools]] = {}

    def selected(self, demand: Demand) -> Bools:
        """By node selector and required node affinity."""
        return self._of(demand)[0]

    def tolerated(self, demand: Demand) -> Bools:
        """By taints."""
        return self._of(demand)[1]

    def _of(self, demand: Demand) -> tuple[Bools, Bools]:
        found = self._known.get(demand.placing)
        if found is None:
            shape = demand.shape
            matches = [shape.selection.matches(*pair) for pair in zip(self._names, self._labels(), strict=True)]
            bears = [
                not untolerated(shape.tolerations, place.taints, NO_SCHEDULE, NO_EXECUTE) for place in self._places
            ]
            found = np.array(matches, dtype=bool), np.array(bears, dtype=bool)
            self._known[demand.placing] = found
        return found

    def _labels(self) -> list[Mapping[str, str]]:
        return [place.labels for place in self._places]


def matrix(rows: Sequence[Mapping[str, int]], resources: Sequence[str]) -> Numbers:
    """Amounts as a table; what a row does not name is 0."""
    table: Any = [[row.get(name, 0) for name in resources] for row in rows]
    return np.array(table, dtype=np.int64).reshape(len(rows), len(resources))


def holds(free: Numbers, need: Numbers) -> Numbers:
    """How many times a need fits into each row."""
    asked = need > 0
    if not asked.any():
        return np.full(len(free), MANY, dtype=np.int64)
    times: Numbers = np.maximum(free[:, asked] // need[asked], 0).min(axis=1)
    return times
