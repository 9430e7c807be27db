"""Counts of pods on nodes and in topology domains, kept up to date as pods come and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Ints, grown
from cloudk8s.scheduler.cluster.labels import ABSENT, LabelColumn
from cloudk8s.scheduler.pod.shape import Shape

Weigh = Callable[[Shape], int]


@dataclass(slots=True, eq=False)
class DomainSums:
    """Sums of a tally over the domains of one topology key; the last element, for nodes outside, stays zero."""

    column: LabelColumn
    counts: Ints
    total: int = 0

    def add(self, domain: int, weight: int) -> None:
        if domain != ABSENT:
            if domain >= len(self.counts) - 1:
                self.counts = grown(self.counts, 2 * len(self.column.values) + 1)
            self.counts[domain] += weight
            self.total += weight

    def counts_of(self, size: int) -> Ints:
        """The sums of the first `size` domains, and a zero for nodes outside; a new array."""
        counts = np.zeros(size + 1, dtype=np.int64)
        known = min(size, len(self.counts) - 1)
        counts[:known] = self.counts[:known]
        return counts

    def on(self, rows: slice | Ints) -> Ints:
        """The sum of each row's domain."""
        if len(self.column.values) >= len(self.counts):
            self.counts = grown(self.counts, 2 * len(self.column.values) + 1)
        found: Ints = self.counts[self.column.ids[rows]]
        return found


class Tally:
    """How much the pods on each node weigh, by a rule that looks at shapes; 0 is not counted at all."""

    def __init__(self, weigh: Weigh, capacity: int, *, skips_terminating: bool = False) -> None:
        self.weigh = weigh
        self.skips_terminating = skips_terminating
        self.per_node: Ints = np.zeros(capacity, dtype=np.int64)
        self._domains: dict[str, DomainSums] = {}

    def domains(self, column: LabelColumn) -> DomainSums:
        """The sums over the domains of a topology; made at the first call."""
        sums = self._domains.get(column.key)
        if sums is None:
            counts = np.zeros(len(column.values) + 1, dtype=np.int64)
            present = column.ids != ABSENT
            np.add.at(counts, column.ids[present], self.per_node[present])
            sums = self._domains[column.key] = DomainSums(column, counts, int(counts.sum()))
        return sums

    def add(self, slot: int, weight: int) -> None:
        self.per_node[slot] += weight
        for sums in self._domains.values():
            sums.add(int(sums.column.ids[slot]), weight)

    def move(self, slot: int, column: LabelColumn, old: int, new: int) -> None:
        """The node in a slot went from one domain to another."""
        if (sums := self._domains.get(column.key)) is not None and (weight := int(self.per_node[slot])):
            sums.add(old, -weight)
            sums.add(new, weight)

    def grow(self, capacity: int) -> None:
        self.per_node = grown(self.per_node, capacity)
