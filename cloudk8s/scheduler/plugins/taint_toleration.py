"""TaintToleration: keep off nodes whose taints the pod does not tolerate, and rather off those it had better avoid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Bools, Ints
from cloudk8s.scheduler.cluster.nodes import NodeColumns
from cloudk8s.scheduler.framework.normalizing import by_maximum
from cloudk8s.scheduler.interface import Candidates, ClusterEvent, Cycle, Handle, Interest, Rejection
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.pod.shape import Shape
from cloudk8s.scheduler.pod.toleration import (
    NO_EXECUTE,
    NO_SCHEDULE,
    PREFER_NO_SCHEDULE,
    taints_of,
    untolerated,
)

REASON: Final = "node(s) had untolerated taint(s)"


class TaintToleration:
    """Looks at each distinct set of taints once, however many nodes have it."""

    name = "TaintToleration"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        pass

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        nodes = cycle.cluster.nodes
        if len(nodes.taint_sets) == 1:
            return None
        accepted = accepted_taints(cycle.pod.shape, nodes)
        return None if accepted.all() else accepted[nodes.taint_ids[rows]]

    def depends_on_pods(self, cycle: Cycle) -> bool:
        return False

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        yield Rejection(REASON, rejected, is_resolvable=False)

    def score(self, cycle: Cycle, candidates: Candidates) -> Ints | None:
        """Fewer taints to be avoided are better."""
        nodes = cycle.cluster.nodes
        if len(nodes.taint_sets) == 1:
            return None
        counts = _avoided(cycle.pod.shape, nodes)
        if not counts.any():
            return None
        return by_maximum(counts[nodes.taint_ids[candidates.rows]], reverse=True)

    def interests(self) -> Sequence[Interest]:
        return [Interest("nodes", frozenset(("add", "update")), _is_tolerable)]


def accepted_taints(shape: Shape, nodes: NodeColumns) -> Bools:
    """For each set of taints, whether the pod tolerates it."""
    sets = nodes.taint_sets
    known: Bools | None = shape.memo.get("taints accepted")
    if known is None or len(known) < len(sets):
        found = (not untolerated(shape.tolerations, taints, NO_SCHEDULE, NO_EXECUTE) for taints in sets)
        known = shape.memo["taints accepted"] = np.fromiter(found, dtype=np.bool_, count=len(sets))
    return known


def _avoided(shape: Shape, nodes: NodeColumns) -> Ints:
    """For each set of taints, how many of them the pod should rather avoid."""
    sets = nodes.taint_sets
    known: Ints | None = shape.memo.get("taints avoided")
    if known is None or len(known) < len(sets):
        relevant = tuple(item for item in shape.tolerations if item.effect in ("", PREFER_NO_SCHEDULE))
        found = (len(untolerated(relevant, taints, PREFER_NO_SCHEDULE)) for taints in sets)
        known = shape.memo["taints avoided"] = np.fromiter(found, dtype=np.int64, count=len(sets))
    return known


def _is_tolerable(pod: Pod, event: ClusterEvent) -> bool:
    if event.new is None:
        return False
    return not untolerated(pod.shape.tolerations, taints_of(event.new), NO_SCHEDULE, NO_EXECUTE)
