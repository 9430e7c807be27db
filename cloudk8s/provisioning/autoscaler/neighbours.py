"""What pods say about other pods: affinity, anti-affinity and spread, over hosts and zones.

Only demands that say something cost anything here; for the others a bin is a bin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from cloudk8s.provisioning.autoscaler.bins import Bins
from cloudk8s.provisioning.autoscaler.demand import Demand, is_matched
from cloudk8s.provisioning.autoscaler.suitability import MANY, Bools, Numbers
from cloudk8s.scheduler.pod.affinity import AffinityTerm, PodMatcher
from cloudk8s.scheduler.pod.spread import HOSTNAME, ZONE


class Neighbours:
    """Knows the demands to be placed, the pods that are bound, and, by the bins, what has been placed so far."""

    def __init__(self, demands: Sequence[Demand], bound: Iterable[Sequence[Demand]], bins: Bins) -> None:
        self._bins = bins
        every = [*demands, *(demand for each in bound for demand in each)]
        self._by_labels: dict[tuple[str, tuple[tuple[str, str], ...]], list[Demand]] = {}
        for demand in every:
            labels = tuple(sorted(demand.shape.labels.items()))
            self._by_labels.setdefault((demand.shape.namespace, labels), []).append(demand)
        self._known: dict[PodMatcher, frozenset[Demand]] = {}
        self._avoided_by: dict[tuple[Demand, str], set[Demand]] = {}
        for demand in every:
            for term in demand.shape.affinity.required_anti:
                for other in self._matched(term):
                    if other is not demand:
                        self._avoided_by.setdefault((other, term.topology_key), set()).add(demand)

    def zones_for(self, demand: Demand, zones: Sequence[int]) -> dict[int, int] | None:
        """So many pods for each zone; None where zones do not matter. What finds no zone is in none."""
        allowed = self._allowed_zones(demand, zones)
        if allowed is None and not demand.spreads_over_zones and demand.per_zone is None:
            return None
        chosen = list(zones) if allowed is None else allowed
        if not chosen:
            return {}
        if demand.per_zone is not None:
            free = [zone for zone in chosen if not self._bins.count_in(zone, (demand,))]
            return dict.fromkeys(free[: len(demand.pods)], 1)
        if demand.spreads_over_zones:
            return self._even(demand, chosen)
        if self._wants_itself(demand, ZONE):
            return {chosen[0]: len(demand.pods)}
        share, more = divmod(len(demand.pods), len(chosen))
        return {zone: share + (place < more) for place, zone in enumerate(chosen)}

    def limits(self, demand: Demand) -> Numbers:
        """How many more pods of the demand each bin may have."""
        found = np.full(len(self._bins), MANY, dtype=np.int64)
        if demand.shape.ports:
            found = np.maximum(1 - self._bins.counts((demand,)), 0)
        for constraint in demand.shape.spread:
            if constraint.is_required and constraint.topology_key == HOSTNAME and constraint.matches_self:
                there = self._bins.counts(self._selected(constraint.matcher))
                found = np.minimum(found, np.maximum(constraint.max_skew - there, 0))
        for term in demand.shape.affinity.required_anti:
            if term.topology_key == HOSTNAME:
                found[self._hosts(self._matched(term))] = 0
                if is_matched(term, demand.shape):
                    found = np.minimum(found, 1)
        if avoiding := self._avoided_by.get((demand, HOSTNAME)):
            found[self._hosts(avoiding)] = 0
        for term in demand.shape.affinity.required:
            if term.topology_key == HOSTNAME:
                near = self._hosts(self._matched(term))
                if near.any() or not is_matched(term, demand.shape):
                    found[~near] = 0
        return found

    def new_limit(self, demand: Demand) -> int:
        """How many pods of the demand a new machine may have; none where they have to be near pods elsewhere."""
        for term in demand.shape.affinity.required:
            if term.topology_key == HOSTNAME:
                near = self._hosts(self._matched(term))
                if near.any() or not is_matched(term, demand.shape):
                    return 0
        return MANY if demand.per_node is None else demand.per_node

    def is_together(self, demand: Demand) -> bool:
        """Whether all pods of the demand have to be on one host."""
        return self._wants_itself(demand, HOSTNAME)

    def _allowed_zones(self, demand: Demand, zones: Sequence[int]) -> list[int] | None:
        """Zones that affinity and anti-affinity leave; None where they say nothing about zones."""
        allowed, says = list(zones), False
        for term in demand.shape.affinity.required:
            if term.topology_key == ZONE:
                near = [zone for zone in allowed if self._bins.count_in(zone, self._matched(term))]
                if near or not is_matched(term, demand.shape):
                    allowed = near
                says = True
        avoided = [self._matched(each) - {demand} for each in demand.shape.affinity.required_anti
                   if each.topology_key == ZONE]  # fmt: skip
        for others in (*avoided, self._avoided_by.get((demand, ZONE), frozenset())):
            if others:
                allowed, says = [zone for zone in allowed if not self._bins.count_in(zone, others)], True
        return allowed if says else None

    def _even(self, demand: Demand, zones: Sequence[int]) -> dict[int, int]:
        """One after the other to the zone with the fewest, so that the skew never grows past one."""
        constraint = next(each for each in demand.shape.spread if each.topology_key == ZONE and each.is_required)
        alike = self._selected(constraint.matcher)
        counts = {zone: self._bins.count_in(zone, alike) for zone in zones}
        shares = dict.fromkeys(zones, 0)
        for _ in demand.pods:
            zone = min(zones, key=lambda each: (counts[each] + shares[each], each))
            shares[zone] += 1
        return shares

    def _wants_itself(self, demand: Demand, key: str) -> bool:
        terms = demand.shape.affinity.required
        return any(term.topology_key == key and is_matched(term, demand.shape) for term in terms)

    def _matched(self, term: AffinityTerm) -> frozenset[Demand]:
        return self._selected(term.matcher)

    def _selected(self, matcher: PodMatcher) -> frozenset[Demand]:
        found = self._known.get(matcher)
        if found is None:
            alike = [
                demands for (namespace, labels), demands in self._by_labels.items()
                if matcher.matches(namespace, dict(labels), {})
            ]  # fmt: skip
            found = self._known[matcher] = frozenset(demand for demands in alike for demand in demands)
        return found

    def _hosts(self, demands: Iterable[Demand]) -> Bools:
        return np.asarray(self._bins.counts(demands) > 0)
