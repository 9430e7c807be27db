"""Results that depend on nothing but each node's own resources, kept for the next pod that asks the same.

Between two pods of one kind few nodes change: only their rows are worked out again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloudk8s.scheduler.cluster.arrays import Ints
from cloudk8s.scheduler.cluster.nodes import NodeColumns

KEPT: Final = 64
"""How many arrays are kept for each plugin."""
FEW: Final = 256
"""With more changed rows than this, all are worked out anew."""

Compute = Callable[[slice | Ints], npt.NDArray[Any]]
"""The results of some rows."""


class RowResults:
    """Arrays by key, oldest forgotten first. They belong to this object: read them, never write."""

    def __init__(self, nodes: NodeColumns) -> None:
        self._nodes = nodes
        self._known: dict[Hashable, tuple[tuple[int, int], int, npt.NDArray[Any]]] = {}

    def get(self, key: Hashable, compute: Compute) -> npt.NDArray[Any]:
        """The results of all rows for what `key` stands for; `compute` is asked for those that are not known."""
        nodes = self._nodes
        state = nodes.touched_epoch, nodes.size
        known = self._known.get(key)
        if known is None or known[0] != state:
            return self._put(key, state, compute(nodes.rows))
        _, seen, results = known
        if seen < len(nodes.touched):
            changed = set(nodes.touched[seen:]) if len(nodes.touched) - seen < 4 * FEW else ()
            if not changed or len(changed) > FEW:
                return self._put(key, state, compute(nodes.rows))
            rows = np.fromiter(changed, dtype=np.int64, count=len(changed))
            results[rows] = compute(rows)
            self._known[key] = (state, len(nodes.touched), results)
        return results

    def _put(self, key: Hashable, state: tuple[int, int], results: npt.NDArray[Any]) -> npt.NDArray[Any]:
        self._known.pop(key, None)
        if len(self._known) >= KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = (state, len(self._nodes.touched), results)
        return results
