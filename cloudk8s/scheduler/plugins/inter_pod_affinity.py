"""InterPodAffinity: near to some pods and away from others, in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.client.objects import labels_of
from cloudk8s.scheduler.cluster.arrays import Bools, Ints
from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.cluster.labels import ABSENT
from cloudk8s.scheduler.cluster.tally import DomainSums, Tally
from cloudk8s.scheduler.framework.normalizing import by_range
from cloudk8s.scheduler.interface import Candidates, ClusterEvent, Cycle, Handle, Interest, Rejection
from cloudk8s.scheduler.pod.affinity import AffinityTerm, pod_affinity
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.pod.shape import Shape

AFFINITY: Final = "node(s) didn't match pod affinity rules"
ANTI_AFFINITY: Final = "node(s) didn't match pod anti-affinity rules"
EXISTING: Final = "node(s) didn't satisfy existing pods anti-affinity rules"


class InterPodAffinity:
    """Reads running sums of pods by domain; no pod is looked at."""

    name = "InterPodAffinity"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._hard_weight = int(arguments.get("hardPodAffinityWeight", 1))
        self._ignores_existing = bool(arguments.get("ignorePreferredTermsOfExistingPods"))
        self._cluster = handle.cluster

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        passed: Bools | None = None
        for part in (self._affinity, self._anti_affinity, self._existing):
            fits = part(cycle, rows)
            if fits is not None:
                passed = fits if passed is None else passed & fits
        return passed

    def depends_on_pods(self, cycle: Cycle) -> bool:
        affinity = cycle.pod.shape.affinity
        shunning = cycle.cluster.tallies.anti_affinity.concerning(cycle.pod.shape, "shunned by")
        return bool(affinity.required or affinity.required_anti or shunning)

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        rows = cycle.cluster.nodes.rows
        parts = ((self._affinity, AFFINITY, False), (self._anti_affinity, ANTI_AFFINITY, True))
        for part, reason, is_resolvable in (*parts, (self._existing, EXISTING, True)):
            fits = part(cycle, rows)
            if fits is not None:
                yield Rejection(reason, rejected & ~fits, is_resolvable)
                rejected = rejected & fits

    def score(self, cycle: Cycle, candidates: Candidates) -> Ints | None:
        """Weights of the pod's own preferences, and of those that pods in the domain have for it."""
        cluster, shape, rows = cycle.cluster, cycle.pod.shape, candidates.rows
        if self._ignores_existing and not shape.affinity.preferred:
            return None
        raw: Ints | None = None
        for sums, weight in self._preferences(cluster, shape):
            if sums.total or sums.counts.any():
                found = sums.on(rows) * weight
                raw = found if raw is None else raw + found
        return None if raw is None else by_range(raw)

    def interests(self) -> Sequence[Interest]:
        return [
            Interest("assigned-pods", frozenset(("add", "update", "delete")), self._may_help),
            Interest("nodes", frozenset(("add", "update")), _has_topology),
            Interest("pods", frozenset(("update",))),
        ]

    def _affinity(self, cycle: Cycle, rows: slice) -> Bools | None:
        """Nodes in domains that have the pods it wants; all that have the labels if it is the first of its kind."""
        terms = cycle.pod.shape.affinity.required
        if not terms:
            return None
        cluster, shape = cycle.cluster, cycle.pod.shape
        tally = _selected(cluster, shape, terms)
        sums = [_sums(cluster, tally, term) for term in terms]
        is_first = not any(item.total for item in sums) and _selects_itself(cluster, shape)
        passed: Bools | None = None
        for item in sums:
            fits = item.column.ids[rows] != ABSENT if is_first else item.on(rows) > 0
            passed = fits if passed is None else passed & fits
        return passed

    def _anti_affinity(self, cycle: Cycle, rows: slice) -> Bools | None:
        """Nodes in domains that have none of the pods it shuns."""
        passed: Bools | None = None
        for term in cycle.pod.shape.affinity.required_anti:
            sums = _sums(cycle.cluster, _selected(cycle.cluster, cycle.pod.shape, (term,)), term)
            passed = _without(sums, rows, passed)
        return passed

    def _existing(self, cycle: Cycle, rows: slice) -> Bools | None:
        """Nodes in domains that have no pod which shuns it."""
        passed: Bools | None = None
        terms = cycle.cluster.tallies.anti_affinity
        for term, tally in terms.concerning(cycle.pod.shape, "shunned by"):
            passed = _without(_sums(cycle.cluster, tally, term), rows, passed)
        return passed

    def _preferences(self, cluster: Cluster, shape: Shape) -> Iterable[tuple[DomainSums, int]]:
        for weight, term in shape.affinity.preferred:
            yield _sums(cluster, _selected(cluster, shape, (term,)), term), weight
        if self._hard_weight:
            for term, tally in cluster.tallies.affinity.concerning(shape, "wanted by"):
                yield _sums(cluster, tally, term), self._hard_weight
        if not self._ignores_existing:
            for term, tally in cluster.tallies.preference.concerning(shape, "preferred by"):
                yield _sums(cluster, tally, term), 1

    def _may_help(self, pod: Pod, event: ClusterEvent) -> bool:
        """Whether the pod that came, went or changed counts for one of the terms, or had one against this pod."""
        affinity = pod.shape.affinity
        for obj in (event.old, event.new):
            if obj is None:
                continue
            namespace, labels = obj["metadata"].get("namespace", ""), labels_of(obj)
            names = self._cluster.tallies.namespaces.get(namespace) or {}
            if any(t.matcher.matches(namespace, labels, names) for t in (*affinity.required, *affinity.required_anti)):
                return True
            own = self._cluster.tallies.namespaces.get(pod.namespace) or {}
            shunned = pod_affinity(obj.get("spec") or {}, namespace).required_anti
            if any(term.matcher.matches(pod.namespace, pod.shape.labels, own) for term in shunned):
                return True
        return False


def _selected(cluster: Cluster, shape: Shape, terms: tuple[AffinityTerm, ...]) -> Tally:
    known: Tally | None = shape.memo.get(("selected", terms))
    if known is None:
        known = cluster.selected(tuple(term.matcher for term in terms))
        shape.memo[("selected", terms)] = known
    return known


def _sums(cluster: Cluster, tally: Tally, term: AffinityTerm) -> DomainSums:
    return tally.domains(cluster.nodes.labels.column(term.topology_key))


def _without(sums: DomainSums, rows: slice, passed: Bools | None) -> Bools | None:
    if not sums.total:
        return passed
    fits: Bools = sums.on(rows) == 0
    return fits if passed is None else passed & fits


def _selects_itself(cluster: Cluster, shape: Shape) -> bool:
    names = cluster.tallies.namespaces.get(shape.namespace) or {}
    return all(term.matcher.matches(shape.namespace, shape.labels, names) for term in shape.affinity.required)


def _has_topology(pod: Pod, event: ClusterEvent) -> bool:
    keys = {term.topology_key for term in (*pod.shape.affinity.required, *pod.shape.affinity.required_anti)}
    if event.new is None:
        return False
    after = labels_of(event.new)
    before: Mapping[str, str] = labels_of(event.old) if event.old else {}
    return not keys or any(after.get(key) != before.get(key) for key in keys) or event.old is None
