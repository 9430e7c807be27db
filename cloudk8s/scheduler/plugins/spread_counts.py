"""Matching pods in each domain, over the nodes that a spread constraint takes into account."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Bools, Ids, Ints
from cloudk8s.scheduler.cluster.labels import ABSENT, LabelColumn
from cloudk8s.scheduler.cluster.tally import Tally
from cloudk8s.scheduler.interface import Cycle
from cloudk8s.scheduler.plugins.taint_toleration import accepted_taints
from cloudk8s.scheduler.pod.spread import SpreadConstraint

NONE_AT_ALL = 2**31 - 1
"""The least count where there is no domain, upstream's."""


class SpreadCounts:
    """Counts for the constraints of one pod. Usually all nodes count, and the running sums are the answer."""

    def __init__(self, cycle: Cycle, constraints: Sequence[SpreadConstraint], *, needs_all: bool = True) -> None:
        self._cycle = cycle
        self._nodes = cycle.cluster.nodes
        self._columns = {item.topology_key: self._nodes.labels.column(item.topology_key) for item in constraints}
        have_all = all(column.present == self._nodes.count for column in self._columns.values())
        self._is_partial = needs_all and len(self._columns) > 1 and not have_all

    def column(self, constraint: SpreadConstraint) -> LabelColumn:
        return self._columns[constraint.topology_key]

    def tally(self, constraint: SpreadConstraint) -> Tally:
        """Living pods that the constraint counts."""
        memo = self._cycle.pod.shape.memo
        known: Tally | None = memo.get(("spread", constraint))
        if known is None:
            known = self._cycle.cluster.selected((constraint.matcher,), living=True)
            memo[("spread", constraint)] = known
        return known

    def unlabelled(self, rows: slice | Ints) -> Bools | None:
        """The rows that lack one of the topologies; None if there are none."""
        found: Bools | None = None
        for column in self._columns.values():
            if column.present != self._nodes.count:
                absent = column.ids[rows] == ABSENT
                found = absent if found is None else found | absent
        return found

    def of(self, constraint: SpreadConstraint) -> tuple[Ints, int]:
        """Counts by domain, one element more for nodes outside, and the least of them."""
        column, tally = self.column(constraint), self.tally(constraint)
        eligible = self._eligible(constraint)
        size = len(column.values)
        if eligible is None:
            counts = tally.domains(column).counts_of(size)
            population = column.population[:size]
        else:
            ids, weights = column.ids[self._nodes.rows][eligible], tally.per_node[self._nodes.rows][eligible]
            counts = np.bincount(ids, weights=weights, minlength=size + 1).astype(np.int64)
            population = np.bincount(ids, minlength=size).astype(np.int32)
        return counts, _least(counts[:size], population, constraint.min_domains)

    def _eligible(self, constraint: SpreadConstraint) -> Bools | None:
        """The nodes that count; None if all that have the label do."""
        cluster, shape = self._cycle.cluster, self._cycle.pod.shape
        found: Bools | None = None
        if constraint.honours_affinity and shape.selection.is_restricted:
            found = cluster.selector.required(shape.selection)
        if constraint.honours_taints and not (accepted := accepted_taints(shape, self._nodes)).all():
            tolerated = accepted[self._nodes.taint_ids[self._nodes.rows]]
            found = tolerated if found is None else found & tolerated
        if found is None and not self._is_partial:
            return None
        rows = self._nodes.rows
        counted = self._nodes.exists[rows] if found is None else found & self._nodes.exists[rows]
        required = self._columns.values() if self._is_partial else (self.column(constraint),)
        for column in required:
            counted = counted & (column.ids[rows] != ABSENT)
        return counted


def _least(counts: Ints, population: Ids, min_domains: int) -> int:
    """The smallest count of a domain that has nodes; zero while there are fewer domains than wanted."""
    present = population > 0
    found = int(np.count_nonzero(present))
    if found < min_domains:
        return 0
    if found == len(counts):
        return int(counts.min()) if found else NONE_AT_ALL
    return int(counts[present].min()) if found else NONE_AT_ALL
