"""Labels of nodes as columns: for each key in use, a number for the value in every slot.

Columns are made when a selector or a topology first asks for their key, and kept up to date from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Bools, Ids, grown

ABSENT = -1


class LabelColumn:
    """One label: `ids[slot]` says which of `values` a node has, ABSENT if none.

    ABSENT is also a valid index, that of the last element: an array over values gets one element more, for nodes
    without the label, and is then gathered with `ids` in one step.
    """

    def __init__(self, key: str, capacity: int) -> None:
        self.key = key
        self.ids: Ids = np.full(capacity, ABSENT, dtype=np.int32)
        self.values: list[str] = []
        self.population: Ids = np.zeros(16, dtype=np.int32)
        """How many nodes have each value."""
        self.present = 0
        """How many nodes have the label."""
        self._index: dict[str, int] = {}

    def id_of(self, value: str) -> int:
        """The number of a value; a new one if it has none yet."""
        found = self._index.get(value)
        if found is None:
            found = self._index[value] = len(self.values)
            self.values.append(value)
            if found >= len(self.population):
                self.population = grown(self.population, 2 * len(self.population))
        return found

    def put(self, slot: int, value: str | None) -> tuple[int, int]:
        """Set the value in a slot; returns the ids before and after."""
        old = int(self.ids[slot])
        new = ABSENT if value is None else self.id_of(value)
        if old != new:
            self.ids[slot] = new
            if old != ABSENT:
                self.population[old] -= 1
                self.present -= 1
            if new != ABSENT:
                self.population[new] += 1
                self.present += 1
        return old, new

    def count_domains(self) -> int:
        """How many values some node has."""
        return int(np.count_nonzero(self.population))

    def grow(self, capacity: int) -> None:
        self.ids = grown(self.ids, capacity, ABSENT)

    def where(self, accepts: Callable[[str | None], bool], rows: slice) -> Bools:
        """The rows whose value, None if there is none, is accepted."""
        table = np.zeros(len(self.values) + 1, dtype=np.bool_)
        for number, value in enumerate(self.values):
            table[number] = accepts(value)
        table[ABSENT] = accepts(None)
        return table[self.ids[rows]]


class LabelColumns:
    """The columns of all keys that anybody asked for. `version` changes whenever labels or names of nodes do."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._columns: dict[str, LabelColumn] = {}
        self._labels: list[Mapping[str, str]] = [{}] * capacity
        self.version = 0

    def column(self, key: str) -> LabelColumn:
        """The column of a key; made at the first call."""
        column = self._columns.get(key)
        if column is None:
            column = self._columns[key] = LabelColumn(key, self._capacity)
            for slot, labels in enumerate(self._labels):
                if key in labels:
                    column.put(slot, labels[key])
        return column

    def put(self, slot: int, labels: Mapping[str, str]) -> Iterable[tuple[LabelColumn, int, int]]:
        """Replace a node's labels; returns the columns that changed, with the ids before and after."""
        if labels == self._labels[slot]:
            return ()
        self._labels[slot] = labels
        self.version += 1
        changes = ((column, *column.put(slot, labels.get(key))) for key, column in self._columns.items())
        return [(column, old, new) for column, old, new in changes if old != new]

    def labels(self, slot: int) -> Mapping[str, str]:
        return self._labels[slot]

    def grow(self, capacity: int) -> None:
        self._labels.extend([{}] * (capacity - self._capacity))
        self._capacity = capacity
        for column in self._columns.values():
            column.grow(capacity)
