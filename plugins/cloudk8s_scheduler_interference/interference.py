"""The plugin: counts the neighbours that disturb a pod, on all nodes at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from cloudk8s.plugin import SettingsError
from cloudk8s.plugin.scheduler import MAX_SCORE, Candidates, ClusterEvent, Cycle, Handle, Interest, Rejection
from cloudk8s_scheduler_interference.settings import Conflict, InterferenceSettings

REASON: Final = "node(s) had too many workloads that interfere"

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class Interference:
    """Filters by the limits of conflicts, and scores by their penalties. Pods without the label are left alone."""

    name = "Interference"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        try:
            self._settings = InterferenceSettings.model_validate(dict(arguments))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise SettingsError(f"pluginConfig of Interference: {field}: {first['msg']}") from error

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        passed: Bools | None = None
        for conflict, counts in self._counts(cycle):
            if conflict.limit is not None:
                fits = counts[rows] <= conflict.limit
                passed = fits if passed is None else passed & fits
        return passed

    def depends_on_pods(self, cycle: Cycle) -> bool:
        kind = cycle.pod.shape.labels.get(self._settings.label)
        return any(conflict.limit is not None for conflict in self._settings.of(kind)) if kind else False

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        yield Rejection(REASON, rejected)

    def score(self, cycle: Cycle, candidates: Candidates) -> Ints | None:
        """Fewer and less bad neighbours are better."""
        found = list(self._counts(cycle))
        if not found:
            return None
        penalties: Ints = np.zeros(candidates.count, dtype=np.int64)
        for conflict, counts in found:
            penalties += conflict.penalty * counts[candidates.rows]
        worst = int(penalties.max())
        return MAX_SCORE - MAX_SCORE * penalties // worst if worst else None

    def interests(self) -> Sequence[Interest]:
        return [
            Interest("assigned-pods", frozenset(("update", "delete")), self._is_a_neighbour_less),
            Interest("nodes", frozenset(("add",))),
        ]

    def _counts(self, cycle: Cycle) -> Iterable[tuple[Conflict, Ints]]:
        """The pod's conflicts, each with the number of neighbours it is about on every node."""
        kind = cycle.pod.shape.labels.get(self._settings.label)
        for conflict in self._settings.of(kind) if kind else ():
            other = conflict.neighbours_of(kind)  # type: ignore[arg-type]
            yield conflict, cycle.cluster.counting(f"{self._settings.label}={other}").per_node

    def _is_a_neighbour_less(self, pod: Any, event: ClusterEvent) -> bool:
        kind = pod.shape.labels.get(self._settings.label)
        gone = ((event.old or {}).get("metadata", {}).get("labels") or {}).get(self._settings.label)
        return any(conflict.neighbours_of(kind) == gone for conflict in self._settings.of(kind)) if kind else False
