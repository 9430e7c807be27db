"""What pods are put into: the nodes that are there, and then the machines that are planned; columns that grow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from cloudk8s.provisioning.autoscaler.demand import Demand
from cloudk8s.provisioning.autoscaler.suitability import Numbers

STANDING = -1
"""The offer of a bin that is a node already."""


class Bins:
    """Free amounts, offer and zone of each bin, and how many pods of which shape are in it."""

    def __init__(self, free: Numbers, zones: Sequence[int], bound: Sequence[Sequence[Demand]]) -> None:
        self._count = len(free)
        room = max(64, 2 * self._count)
        self._free = np.zeros((room, free.shape[1]), dtype=np.int64)
        self._free[: self._count] = free
        self._zone = np.full(room, -1, dtype=np.int64)
        self._zone[: self._count] = zones
        self._offer = np.full(room, STANDING, dtype=np.int64)
        self.contents: list[list[tuple[Demand, int, int]]] = [[] for _ in range(self._count)]
        """Of each bin, what was put there: demand, the first of its pods, and how many."""
        self._where: dict[bytes, tuple[list[int], list[int]]] = {}
        for number, demands in enumerate(bound):
            for demand in demands:
                self._note(demand, number, len(demand.pods))

    def __len__(self) -> int:
        return self._count

    @property
    def free(self) -> Numbers:
        return self._free[: self._count]

    @property
    def zone(self) -> Numbers:
        return self._zone[: self._count]

    @property
    def offer(self) -> Numbers:
        return self._offer[: self._count]

    def open(self, offer: int, zone: int, allocatable: Numbers, count: int) -> range:
        """Add planned machines of one offer; returns their numbers."""
        new = range(self._count, self._count + count)
        while new.stop > len(self._free):
            self._free = np.concatenate([self._free, np.zeros_like(self._free)])
            self._zone = np.concatenate([self._zone, np.full_like(self._zone, -1)])
            self._offer = np.concatenate([self._offer, np.full_like(self._offer, STANDING)])
        rows = slice(new.start, new.stop)
        self._free[rows], self._zone[rows], self._offer[rows] = allocatable, zone, offer
        self.contents += [[] for _ in new]
        self._count = new.stop
        return new

    def put(self, demand: Demand, first: int, bins: Numbers, takes: Numbers, need: Numbers) -> int:
        """Put so many pods into each of some bins; returns the number of the first pod that is not yet in one."""
        chosen = takes > 0
        bins, takes = bins[chosen], takes[chosen]
        self._free[bins] -= takes[:, None] * need
        for number, count in zip(bins.tolist(), takes.tolist(), strict=True):
            self.contents[number].append((demand, first, count))
            self._note(demand, number, count)
            first += count
        return first

    def placed(self, demand: Demand) -> Numbers:
        """Pods of one demand that were put into each bin."""
        found = np.zeros(self._count, dtype=np.int64)
        for number, content in enumerate(self.contents):
            found[number] = sum(count for each, _, count in content if each is demand)
        return found

    def take_back(self, demand: Demand, takes: Numbers, need: Numbers) -> None:
        """Undo a `put`."""
        chosen = np.flatnonzero(takes)
        self._free[chosen] += takes[chosen, None] * need
        for number, count in zip(chosen.tolist(), takes[chosen].tolist(), strict=True):
            self.contents[number] = [each for each in self.contents[number] if each[0] is not demand]
            self._note(demand, number, -count)

    def leave(self, demand: Demand, number: int) -> None:
        """Pods that ran in a bin run there no more; what they used stays used, since the bin is not used again."""
        self._note(demand, number, -len(demand.pods))

    def come_back(self, demand: Demand, number: int) -> None:
        """Undo a `leave`."""
        self._note(demand, number, len(demand.pods))

    def become(self, number: int, offer: int, allocatable_change: Numbers) -> None:
        """Make a planned machine of another offer."""
        self._offer[number] = offer
        self._free[number] += allocatable_change

    def counts(self, demands: Iterable[Demand]) -> Numbers:
        """Pods of these shapes in each bin, those that run already included."""
        numbers: list[int] = []
        amounts: list[int] = []
        for key in {demand.shape.key for demand in demands}:
            where, counts = self._where.get(key, ((), ()))
            numbers += where
            amounts += counts
        found = np.bincount(numbers, weights=amounts, minlength=self._count) if numbers else np.zeros(self._count)
        return found.astype(np.int64)

    def count_in(self, zone: int, demands: Iterable[Demand]) -> int:
        """Pods of these shapes in a zone."""
        return int(self.counts(demands)[self.zone == zone].sum())

    def _note(self, demand: Demand, number: int, count: int) -> None:
        numbers, counts = self._where.setdefault(demand.shape.key, ([], []))
        numbers.append(number)
        counts.append(count)
