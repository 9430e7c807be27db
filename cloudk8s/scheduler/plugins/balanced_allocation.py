"""NodeResourcesBalancedAllocation: prefer nodes where CPU and memory would be used alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Floats, Ints
from cloudk8s.scheduler.cluster.nodes import NodeColumns
from cloudk8s.scheduler.cluster.results import RowResults
from cloudk8s.scheduler.interface import Candidates, Cycle, Handle
from cloudk8s.scheduler.plugins.resource_scoring import balance, weighted_resources


class BalancedAllocation:
    """Has no opinion on pods that request nothing."""

    name = "NodeResourcesBalancedAllocation"

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._results = RowResults(handle.cluster.nodes)
        self._resources = tuple(resource.name for resource in weighted_resources(arguments.get("resources")))

    def score(self, cycle: Cycle, candidates: Candidates) -> Floats | None:
        nodes, shape = cycle.cluster.nodes, cycle.pod.shape
        if not any(shape.requests.get(name) for name in self._resources):
            return None
        results = self._results.get(shape.resources_key, lambda rows: self._scores(nodes, shape.requests, rows))
        return results[candidates.rows]

    def _scores(self, nodes: NodeColumns, requests: Mapping[str, int], rows: slice | Ints) -> Floats:
        fractions, counted = [], []
        for name in self._resources:
            wanted = requests.get(name, 0)
            row = nodes.resource(name)
            if row >= 2 and not wanted:
                continue
            allocatable = nodes.allocatable[row, rows]
            used = (allocatable - nodes.free[row, rows] + wanted) / np.maximum(allocatable, 1)
            fractions.append(np.minimum(used, 1.0))
            counted.append(allocatable)
        return balance(fractions, counted)
