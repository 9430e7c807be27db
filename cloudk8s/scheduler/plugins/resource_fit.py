"""NodeResourcesFit: a node must have what the pod requests, and some nodes suit it better than others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Bools, Floats, Ints
from cloudk8s.scheduler.cluster.nodes import NodeColumns
from cloudk8s.scheduler.cluster.results import RowResults
from cloudk8s.scheduler.interface import Candidates, ClusterEvent, Cycle, Handle, Interest, Rejection
from cloudk8s.scheduler.plugins.resource_scoring import WeightedResource, scoring_of, weighted_resources
from cloudk8s.scheduler.pod.pod import Pod, is_finished
from cloudk8s.scheduler.pod.requests import PODS, amounts, pod_requests
from cloudk8s.scheduler.pod.shape import Shape


class ResourceFit:
    """Filter and score by requested resources; `scoringStrategy` in the arguments says which nodes are better."""

    name = "NodeResourcesFit"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        strategy = arguments.get("scoringStrategy") or {}
        self._score_of = scoring_of(strategy)
        self._resources: Sequence[WeightedResource] = weighted_resources(strategy.get("resources"))
        self._results = RowResults(handle.cluster.nodes)
        self._fitting = RowResults(handle.cluster.nodes)
        self._ignored = frozenset(arguments.get("ignoredResources") or ())
        self._ignored_groups = frozenset(arguments.get("ignoredResourceGroups") or ())

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        if rows.stop - rows.start == 1:
            return self._fits(cycle, rows)
        return self._fitting.get(cycle.pod.shape.resources_key, lambda some: self._fits(cycle, some))[rows]

    def needed(self, cycle: Cycle) -> Mapping[str, int]:
        return dict(self._requests(cycle.pod.shape))

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        nodes = cycle.cluster.nodes
        yield Rejection("Too many pods", nodes.pods_free[nodes.rows] <= 0)
        names = {row: name for name, row in nodes.resources.items()}
        for row, amount in self._wanted(cycle):
            short = nodes.free[row, nodes.rows] < amount
            hopeless = nodes.allocatable[row, nodes.rows] < amount
            reason = f"Insufficient {names[row]}"
            yield Rejection(reason, short & ~hopeless)
            yield Rejection(reason, short & hopeless, is_resolvable=False)

    def score(self, cycle: Cycle, candidates: Candidates) -> Floats | None:
        nodes, shape = cycle.cluster.nodes, cycle.pod.shape
        results = self._results.get(shape.resources_key, lambda rows: self._scores(nodes, shape, rows))
        return results[candidates.rows]

    def _fits(self, cycle: Cycle, rows: slice | Ints) -> Bools:
        nodes = cycle.cluster.nodes
        fits = nodes.pods_free[rows] > 0
        for row, amount in self._wanted(cycle):
            fits &= nodes.free[row, rows] >= amount
        return fits

    def _scores(self, nodes: NodeColumns, shape: Shape, rows: slice | Ints) -> Floats:
        total: Floats | None = None
        weights: Floats | int = 0
        for resource in self._resources:
            found = resource.amounts(nodes, shape, rows)
            if found is None:
                continue
            requested, allocatable = found
            score = self._score_of(requested, allocatable)
            score, weight = resource.weighted(score, allocatable)
            total = score if total is None else total + score
            weights = weights + weight
        if total is None:
            return np.zeros(len(nodes.exists[rows]), dtype=np.float64)
        return np.floor(total / np.maximum(weights, 1))

    def interests(self) -> Sequence[Interest]:
        return [
            Interest("assigned-pods", frozenset(("delete", "update")), _frees_something),
            Interest("nodes", frozenset(("add", "update")), self._may_fit),
            Interest("pods", frozenset(("update",))),
        ]

    def _wanted(self, cycle: Cycle) -> list[tuple[int, int]]:
        shape = cycle.pod.shape
        known: list[tuple[int, int]] | None = shape.memo.get("resource rows")
        if known is None:
            nodes = cycle.cluster.nodes
            known = [(nodes.resource(name), amount) for name, amount in self._requests(shape)]
            shape.memo["resource rows"] = known
        return known

    def _requests(self, shape: Shape) -> Iterable[tuple[str, int]]:
        for name, amount in shape.requests.items():
            is_ignored = name in self._ignored or name.partition("/")[0] in self._ignored_groups
            if amount > 0 and not is_ignored:
                yield name, amount

    def _may_fit(self, pod: Pod, event: ClusterEvent) -> bool:
        """Whether the node, empty, could hold the pod."""
        allocatable = amounts((event.object.get("status") or {}).get("allocatable"))
        if event.new is None or allocatable.get(PODS, 0) <= 0:
            return False
        return all(allocatable.get(name, 0) >= amount for name, amount in self._requests(pod.shape))


def _frees_something(pod: Pod, event: ClusterEvent) -> bool:
    """Whether a pod that goes or shrinks gives back anything that this one wants."""
    old, new = event.old, event.new
    if old is None or new is None or is_finished(new):
        return True
    before, after = pod_requests(old["spec"], old.get("status")), pod_requests(new["spec"], new.get("status"))
    return any(after.get(name, 0) < before.get(name, 0) for name in pod.shape.requests)
