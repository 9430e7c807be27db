"""One profile's decisions: the best node for a pod, or why there is none."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.framework.choosing import choose
from cloudk8s.scheduler.framework.diagnosis import Diagnosis
from cloudk8s.scheduler.framework.filtering import diagnose, eligible, feasible, prepare
from cloudk8s.scheduler.framework.nominations import Nominations
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.interface import Cycle, NeedsResources, Refusal
from cloudk8s.scheduler.pod.pod import Pod


class Decider:
    """Deterministic for a cluster and a state of the random generator, which breaks ties."""

    def __init__(self, profile: Profile, cluster: Cluster, nominations: Nominations, generator: random.Random) -> None:
        self._profile = profile
        self._cluster = cluster
        self._nominations = nominations
        self._random = generator

    def decide(self, cycle: Cycle) -> str | Diagnosis:
        """The best node for the cycle's pod."""
        nodes = self._cluster.nodes
        if not nodes.count:
            return Diagnosis(0)
        if (refusal := prepare(self._profile, cycle)) is not None:
            return self.refused(refusal)
        if (kept := self._kept(cycle)) is not None:
            return kept
        if cycle.names is not None and len(cycle.names) == 1:
            return self._only(cycle, *cycle.names)
        slot = choose(self._profile, cycle, self._feasible(cycle), self._random)
        return nodes.names[slot] if slot is not None else self._diagnose(cycle)

    def candidates(self, cycle: Cycle) -> list[str] | Diagnosis:
        """All nodes that can take the cycle's pod, by name; only the one that was kept for it, if that is fit."""
        nodes = self._cluster.nodes
        if not nodes.count:
            return Diagnosis(0)
        if (refusal := prepare(self._profile, cycle)) is not None:
            return self.refused(refusal)
        if (kept := self._kept(cycle)) is not None:
            return [kept]
        found = [nodes.names[slot] for slot in np.flatnonzero(self._feasible(cycle)).tolist()]
        return found or self._diagnose(cycle)

    def decide_among(self, cycle: Cycle, names: Iterable[str], scores: Mapping[str, float]) -> str | Diagnosis:
        """The best of these nodes; `scores` are added to those of plugins."""
        nodes = self._cluster.nodes
        if (refusal := prepare(self._profile, cycle)) is not None:
            return self.refused(refusal)
        wanted = frozenset(names)
        cycle.names = wanted if cycle.names is None else cycle.names & wanted
        more = np.zeros(nodes.size, dtype=np.float64)
        for name, score in scores.items():
            if (slot := nodes.slot(name)) is not None:
                more[slot] = score
        slot = choose(self._profile, cycle, self._feasible(cycle), self._random, more)
        return nodes.names[slot] if slot is not None else self._diagnose(cycle)

    def explain(self, cycle: Cycle) -> Diagnosis:
        """Why the nodes that cannot take the pod cannot."""
        if (refusal := prepare(self._profile, cycle)) is not None:
            return self.refused(refusal)
        return self._diagnose(cycle)

    def fits(self, cycle: Cycle, slot: int) -> bool:
        """Whether the node in a slot can take the pod, next to those nominated to it before."""
        ahead = self._nominations.ahead_of(cycle.pod, self._cluster.nodes.names[slot])
        return (not ahead or self._fits_with(cycle, slot, ahead)) and self._fits(cycle, slot)

    def short_of_resources(self, cycle: Cycle) -> tuple[Bools, Mapping[str, int]] | None:
        """Rows where nothing but resources can be short, and what is needed; None if other pods matter otherwise."""
        rows = self._cluster.nodes.rows
        alive = eligible(cycle, rows)
        needed: Mapping[str, int] = {}
        for plugin in self._profile.filter:
            if isinstance(plugin, NeedsResources):
                needed = plugin.needed(cycle)
                continue
            depends = getattr(plugin, "depends_on_pods", None)
            if depends is None or depends(cycle):
                return None
            passed = plugin.filter(cycle, rows)
            alive = alive if passed is None else alive & passed
        return alive, needed

    def refused(self, refusal: Refusal) -> Diagnosis:
        """A failure that one plugin is the cause of."""
        nodes = self._cluster.nodes
        resolvable = nodes.exists[nodes.rows] if refusal.is_resolvable else None
        return Diagnosis(nodes.count, pre_filter=refusal.reason, plugins={refusal.plugin}, resolvable=resolvable)

    def _feasible(self, cycle: Cycle) -> Bools:
        """The rows that pass all filters, next to pods that have been promised a node."""
        mask = feasible(self._profile, cycle, self._cluster.nodes.rows)
        return self._respecting(cycle, mask) if len(self._nominations) else mask

    def _only(self, cycle: Cycle, name: str) -> str | Diagnosis:
        """The one node that is left to look at."""
        slot = self._cluster.nodes.slot(name)
        return name if slot is not None and self.fits(cycle, slot) else self._diagnose(cycle)

    def _kept(self, cycle: Cycle) -> str | None:
        """The node that was kept for the pod, if it is fit by now."""
        name = self._nominations.node_of(cycle.pod.key)
        slot = self._cluster.nodes.slot(name) if name else None
        return name if slot is not None and self.fits(cycle, slot) else None

    def _respecting(self, cycle: Cycle, mask: Bools) -> Bools:
        """Without nodes that others were nominated to and that have no room besides."""
        left = mask.copy()
        short = self.short_of_resources(cycle)
        for name in self._nominations.nodes():
            slot = self._cluster.nodes.slot(name)
            if slot is None or not left[slot]:
                continue
            ahead = self._nominations.ahead_of(cycle.pod, name)
            if not ahead:
                continue
            fits = self._fits_with(cycle, slot, ahead) if short is None else self._has_room(slot, short[1], ahead)
            left[slot] = fits
        return left

    def _has_room(self, slot: int, needed: Mapping[str, int], ahead: list[Pod]) -> bool:
        """Whether a node has what is needed besides what pods that are nominated to it need."""
        nodes = self._cluster.nodes
        coming = [pod for pod in ahead if pod.key not in self._cluster.pods]
        if nodes.pods_free[slot] <= len(coming):
            return False
        for name, amount in needed.items():
            kept = sum(pod.shape.requests.get(name, 0) for pod in coming)
            if nodes.free[nodes.resource(name), slot] < amount + kept:
                return False
        return True

    def _diagnose(self, cycle: Cycle) -> Diagnosis:
        """Why no node is fit, with all nominated pods in place that the pod has to respect."""
        nodes = self._cluster.nodes
        others = [
            (pod, name)
            for name in self._nominations.nodes()
            if nodes.slot(name) is not None
            for pod in self._nominations.ahead_of(cycle.pod, name)
        ]
        added = [self._add(pod, name) for pod, name in others]
        try:
            return diagnose(self._profile, cycle)
        finally:
            self._remove(added)

    def _fits_with(self, cycle: Cycle, slot: int, others: list[Pod]) -> bool:
        name = self._cluster.nodes.names[slot]
        added = [self._add(pod, name) for pod in others]
        try:
            return self._fits(cycle, slot)
        finally:
            self._remove(added)

    def _fits(self, cycle: Cycle, slot: int) -> bool:
        return bool(feasible(self._profile, cycle, slice(slot, slot + 1))[0])

    def _add(self, pod: Pod, name: str) -> Pod | None:
        if pod.key in self._cluster.pods:
            return None
        self._cluster.add(pod, name)
        return pod

    def _remove(self, added: list[Pod | None]) -> None:
        for pod in added:
            if pod is not None:
                self._cluster.remove(pod)
                pod.node = ""
