"""PodTopologySpread: keep matching pods evenly spread over the domains of a topology."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from cloudk8s.client.objects import labels_of
from cloudk8s.scheduler.cluster.arrays import Bools, Ids, Ints
from cloudk8s.scheduler.cluster.labels import ABSENT
from cloudk8s.scheduler.interface import MAX_SCORE, Candidates, ClusterEvent, Cycle, Handle, Interest, Rejection
from cloudk8s.scheduler.plugins.spread_counts import SpreadCounts
from cloudk8s.scheduler.plugins.spread_defaults import DefaultConstraints
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.pod.spread import HOSTNAME, SpreadConstraint

REASON: Final = "node(s) didn't match pod topology spread constraints"
REASON_LABEL: Final = f"{REASON} (missing required label)"


class TopologySpread:
    """Required constraints filter, the others score. Pods without any may get defaults (`defaultingType`)."""

    name = "PodTopologySpread"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._defaults = DefaultConstraints(arguments, handle)

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        constraints = self._constraints(cycle, is_required=True)
        if not constraints:
            return None
        passed: Bools | None = None
        counts = SpreadCounts(cycle, constraints)
        for constraint in constraints:
            domains, least = counts.of(constraint)
            column = counts.column(constraint)
            limit = constraint.max_skew + least - int(constraint.matches_self)
            allowed = domains <= limit
            allowed[ABSENT] = False
            fits = allowed[column.ids[rows]]
            passed = fits if passed is None else passed & fits
        return passed

    def depends_on_pods(self, cycle: Cycle) -> bool:
        return bool(self._constraints(cycle, is_required=True))

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        nodes = cycle.cluster.nodes
        unlabelled = np.zeros_like(rejected)
        for constraint in self._constraints(cycle, is_required=True):
            unlabelled |= nodes.labels.column(constraint.topology_key).ids[nodes.rows] == ABSENT
        yield Rejection(REASON_LABEL, rejected & unlabelled, is_resolvable=False)
        yield Rejection(REASON, rejected & ~unlabelled)

    def score(self, cycle: Cycle, candidates: Candidates) -> Ints | None:
        """The fewer matching pods there are in a domain the better, the more so the more domains there are."""
        constraints = self._constraints(cycle, is_required=False)
        if not constraints:
            return None
        needs_all = bool(cycle.pod.shape.spread) or not self._defaults.are_the_systems
        counts = SpreadCounts(cycle, constraints, needs_all=needs_all)
        ignored = counts.unlabelled(candidates.rows) if needs_all else None
        scored = candidates.count if ignored is None else candidates.count - int(ignored.sum())
        total = np.zeros(candidates.count, dtype=np.float64)
        for constraint in constraints:
            column = counts.column(constraint)
            ids = column.ids[candidates.rows]
            if constraint.topology_key == HOSTNAME:
                found, size = counts.tally(constraint).per_node[candidates.rows], scored
            else:
                found, size = counts.of(constraint)[0][ids], _distinct(ids if ignored is None else ids[~ignored])
            part = found * np.log(size + 2) + (constraint.max_skew - 1)
            total += part if column.present == cycle.cluster.nodes.count else np.where(ids == ABSENT, 0.0, part)
        return _normalized(np.floor(total + 0.5).astype(np.int64), ignored)

    def interests(self) -> Sequence[Interest]:
        return [
            Interest("assigned-pods", frozenset(("add", "update", "delete")), self._may_even_out),
            Interest("nodes", frozenset(("add", "update", "delete")), _has_topology),
            Interest("pods", frozenset(("update",))),
        ]

    def _constraints(self, cycle: Cycle, *, is_required: bool) -> Sequence[SpreadConstraint]:
        shape = cycle.pod.shape
        given = shape.spread or self._defaults.of(shape)
        return [constraint for constraint in given if constraint.is_required == is_required] if given else ()

    def _may_even_out(self, pod: Pod, event: ClusterEvent) -> bool:
        """Whether a constraint counts the pod that came, went, or changed its labels."""
        versions = [obj for obj in (event.old, event.new) if obj is not None]
        return any(
            constraint.matcher.matches(obj["metadata"].get("namespace", ""), labels_of(obj), {})
            for constraint in pod.shape.spread or self._defaults.of(pod.shape)
            for obj in versions
        )


def _has_topology(pod: Pod, event: ClusterEvent) -> bool:
    versions = [labels_of(obj) for obj in (event.old, event.new) if obj is not None]
    if len(versions) == 2 and versions[0] == versions[1]:
        return any(constraint.honours_taints for constraint in pod.shape.spread)
    return any(all(constraint.topology_key in labels for constraint in pod.shape.spread) for labels in versions)


def _distinct(ids: Ids) -> int:
    return int(np.count_nonzero(np.bincount(ids + 1))) if len(ids) else 0


def _normalized(raw: Ints, ignored: Bools | None) -> Ints | None:
    """Upstream's scale: the best gets least more than its share, and nodes without the labels nothing."""
    if ignored is not None and ignored.any():
        if ignored.all():
            return None
        counted = raw[~ignored]
        least, most = int(counted.min()), int(counted.max())
        scores = MAX_SCORE * (most + least - raw) // most if most else np.full_like(raw, MAX_SCORE)
        scores[ignored] = 0
        return scores
    least, most = int(raw.min()), int(raw.max())
    return None if least == most else MAX_SCORE * (most + least - raw) // most
