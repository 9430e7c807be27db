"""How much of a node a pod would leave or use, as scores: least allocated, most allocated, by a curve, balanced.

The arithmetic is upstream's, in whole numbers; doubles are exact for it while amounts stay below 2**46 or so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from cloudk8s.errors import SettingsError
from cloudk8s.scheduler.cluster.arrays import Floats, Ints
from cloudk8s.scheduler.cluster.nodes import NodeColumns
from cloudk8s.scheduler.interface import MAX_SCORE
from cloudk8s.scheduler.pod.requests import CPU, MEMORY
from cloudk8s.scheduler.pod.shape import Shape

ScoreOf = Callable[[Ints, Ints], Floats]
"""Requested, the pod included, and allocatable → 0 to 100."""


@dataclass(frozen=True, slots=True)
class WeightedResource:
    """One resource that a score looks at."""

    name: str
    weight: int = 1

    def amounts(self, nodes: NodeColumns, shape: Shape, rows: slice | Ints) -> tuple[Ints, Ints] | None:
        """What is requested with the pod, and allocatable; None if the pod's choice does not depend on it."""
        row = nodes.resource(self.name)
        if row < 2:
            return nodes.nonzero[row, rows] + shape.nonzero[row], nodes.allocatable[row, rows]
        wanted = shape.requests.get(self.name, 0)
        if not wanted:
            return None
        allocatable = nodes.allocatable[row, rows]
        return allocatable - nodes.free[row, rows] + wanted, allocatable

    def weighted(self, score: Floats, allocatable: Ints) -> tuple[Floats, Floats | int]:
        """Score and weight; both are zero on nodes that have nothing of the resource."""
        weighted = score if self.weight == 1 else score * self.weight
        if allocatable.min() > 0:
            return weighted, self.weight
        return weighted, np.where(allocatable > 0, float(self.weight), 0.0)


DEFAULT: Final = (WeightedResource(CPU), WeightedResource(MEMORY))


def weighted_resources(items: Iterable[Mapping[str, Any]] | None) -> Sequence[WeightedResource]:
    """`resources` of a scoring strategy; CPU and memory if there are none."""
    return tuple(WeightedResource(item["name"], int(item.get("weight") or 1)) for item in items or ()) or DEFAULT


def scoring_of(strategy: Mapping[str, Any]) -> ScoreOf:
    """The function that a `scoringStrategy` names."""
    kind = strategy.get("type") or "LeastAllocated"
    if kind == "LeastAllocated":
        return least_allocated
    if kind == "MostAllocated":
        return most_allocated
    if kind == "RequestedToCapacityRatio":
        return requested_to_capacity((strategy.get("requestedToCapacityRatio") or {}).get("shape") or ())
    known = "LeastAllocated, MostAllocated, RequestedToCapacityRatio"
    raise SettingsError(f"scoringStrategy.type: {kind!r} is none of {known}")


def least_allocated(requested: Ints, allocatable: Ints) -> Floats:
    """More room left is better."""
    free = (allocatable - requested) * MAX_SCORE
    return np.maximum(np.floor(free / np.maximum(allocatable, 1)), 0.0)


def most_allocated(requested: Ints, allocatable: Ints) -> Floats:
    """Less room left is better; an overcommitted node counts as full."""
    used = np.minimum(requested, allocatable) * MAX_SCORE
    return np.floor(used / np.maximum(allocatable, 1))


def requested_to_capacity(shape: Iterable[Mapping[str, Any]]) -> ScoreOf:
    """A score for each utilisation, by straight lines between the given points."""
    points = sorted((int(point.get("utilization") or 0), int(point.get("score") or 0)) for point in shape)
    if not points:
        raise SettingsError("scoringStrategy.requestedToCapacityRatio.shape: at least one point is needed")
    if any(not 0 <= score <= 10 for _, score in points):
        raise SettingsError("scoringStrategy.requestedToCapacityRatio.shape: scores go from 0 to 10")
    at = np.array([utilization for utilization, _ in points], dtype=np.float64)
    scores = np.array([score * 10 for _, score in points], dtype=np.float64)

    def score_of(requested: Ints, allocatable: Ints) -> Floats:
        used = np.floor(np.minimum(requested, allocatable) * MAX_SCORE / np.maximum(allocatable, 1))
        used = np.where((allocatable == 0) | (requested > allocatable), float(MAX_SCORE), used)
        return np.trunc(np.interp(used, at, scores))

    return score_of


def balance(fractions: Sequence[Floats], counted: Sequence[Ints]) -> Floats:
    """100 where all fractions are equal, less the more they differ; `counted` says which fractions count where."""
    if len(fractions) == 2 and counted[0].min() > 0 and counted[1].min() > 0:
        deviation = np.abs(fractions[0] - fractions[1]) / 2
    else:
        masks = np.stack([column > 0 for column in counted])
        values = np.where(masks, np.stack(fractions), 0.0)
        present = np.maximum(masks.sum(axis=0), 1)
        mean = values.sum(axis=0) / present
        deviation = np.sqrt((np.where(masks, values - mean, 0.0) ** 2).sum(axis=0) / present)
    return np.floor((1.0 - deviation) * MAX_SCORE)
