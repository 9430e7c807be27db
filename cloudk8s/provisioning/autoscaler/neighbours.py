"""What pods usually say about other pods: affinity, anti-affinity and spread, over hosts and zones, for many at once.

Only demands that say something cost anything here; for the others a bin is a bin. What is said less often is placed pod
by pod (`stepwise`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from cloudk8s.provisioning.autoscaler.acquaintance import Acquaintance
from cloudk8s.provisioning.autoscaler.bins import Bins
from cloudk8s.provisioning.autoscaler.demand import Demand, is_matched
from cloudk8s.provisioning.autoscaler.suitability import MANY, Bools, Numbers
from cloudk8s.scheduler.pod.spread import HOSTNAME, ZONE, SpreadConstraint

USUAL = (HOSTNAME, ZONE)
Counted = Callable[[Demand, SpreadConstraint], Bools]
"""The bins whose pods a spread constraint counts."""


class Neighbours:
    """Knows who is acquainted and, by the bins, what has been placed so far."""

    def __init__(self, acquaintance: Acquaintance, bins: Bins, counted: Counted) -> None:
        self._known, self._bins, self._counted = acquaintance, bins, counted

    def are_usual(self, demand: Demand) -> bool:
        """Whether what is said about the demand's neighbours is understood here."""
        spread = [each for each in demand.shape.spread if each.is_required]
        affinity = demand.shape.affinity
        if not spread and not affinity.required and not affinity.required_anti and not self._known.avoided_by(demand):
            return True
        terms = [*affinity.required, *affinity.required_anti]
        keys = {*(term.topology_key for term in terms), *self._known.avoided_by(demand)}
        if len(affinity.required) > 1 or not keys.issubset(USUAL) or not all(map(_is_usual, spread)):
            return False
        over_zones = sum(each.topology_key == ZONE for each in spread)
        return over_zones == 0 or (over_zones == 1 and ZONE not in keys)

    def minds_zones(self, demand: Demand) -> bool:
        """Whether it matters in which zone pods of the demand are."""
        affinity = demand.shape.affinity
        if demand.spreads_over_zones or ZONE in self._known.avoided_by(demand):
            return True
        return any(term.topology_key == ZONE for term in (*affinity.required, *affinity.required_anti))

    def zones_for(self, demand: Demand, zones: Sequence[int]) -> dict[int, int]:
        """So many pods for each zone; what finds no zone is in none."""
        chosen = self._allowed_zones(demand, zones)
        if not chosen:
            return {}
        if demand.per_zone is not None:
            free = [zone for zone in chosen if not self._bins.count_in(zone, (demand,))]
            return dict.fromkeys(free[: len(demand.pods)], 1)
        if demand.spreads_over_zones:
            return self._even(demand, chosen)
        if self._known.wants_itself(demand, ZONE):
            return {chosen[0]: len(demand.pods)}
        share, more = divmod(len(demand.pods), len(chosen))
        return {zone: share + (place < more) for place, zone in enumerate(chosen)}

    def has_limits(self, demand: Demand) -> bool:
        """Whether anything but room limits how many pods of the demand a bin may have."""
        shape = demand.shape
        says = shape.spread or shape.affinity.required or shape.affinity.required_anti
        return bool(says or self._known.clashing(demand) or self._known.avoided_by(demand))

    def limits(self, demand: Demand) -> Numbers:
        """How many more pods of the demand each bin may have."""
        found = np.full(len(self._bins), MANY, dtype=np.int64)
        if others := self._known.clashing(demand):
            found = np.minimum(found, 1)
            found[self._hosts(others)] = 0
        for constraint in demand.shape.spread:
            if constraint.is_required and constraint.topology_key == HOSTNAME and constraint.matches_self:
                there = self._bins.counts(self._known.selected(constraint.matcher))
                found = np.minimum(found, np.maximum(constraint.max_skew - there, 0))
        for term in demand.shape.affinity.required_anti:
            if term.topology_key == HOSTNAME:
                found[self._hosts(self._known.selected(term.matcher))] = 0
                if is_matched(term, demand):
                    found = np.minimum(found, 1)
        if avoiding := self._known.avoided_by(demand).get(HOSTNAME):
            found[self._hosts(avoiding)] = 0
        for term in demand.shape.affinity.required:
            if term.topology_key == HOSTNAME:
                near = self._hosts(self._known.selected(term.matcher))
                if near.any() or not is_matched(term, demand):
                    found[~near] = 0
        return found

    def new_limit(self, demand: Demand) -> int:
        """How many pods of the demand a new machine may have; none where they have to be near pods elsewhere."""
        for term in demand.shape.affinity.required:
            if term.topology_key == HOSTNAME:
                near = self._hosts(self._known.selected(term.matcher))
                if near.any() or not is_matched(term, demand):
                    return 0
        return MANY if demand.per_node is None else demand.per_node

    def is_together(self, demand: Demand) -> bool:
        """Whether all pods of the demand have to be on one host."""
        return self._known.wants_itself(demand, HOSTNAME)

    def _allowed_zones(self, demand: Demand, zones: Sequence[int]) -> list[int]:
        """Zones that affinity and anti-affinity leave."""
        allowed = list(zones)
        for term in demand.shape.affinity.required:
            if term.topology_key == ZONE:
                near = [zone for zone in allowed if self._bins.count_in(zone, self._known.selected(term.matcher))]
                if near or not is_matched(term, demand) or self._bins.counts(self._known.selected(term.matcher)).any():
                    allowed = near
        avoided = [self._known.selected(each.matcher) - {demand} for each in demand.shape.affinity.required_anti
                   if each.topology_key == ZONE]  # fmt: skip
        for others in (*avoided, self._known.avoided_by(demand).get(ZONE, frozenset())):
            if others:
                allowed = [zone for zone in allowed if not self._bins.count_in(zone, others)]
        return allowed

    def _even(self, demand: Demand, zones: Sequence[int]) -> dict[int, int]:
        """One after the other to the zone with the fewest, so that the skew never grows past one."""
        constraint = next(each for each in demand.shape.spread if each.topology_key == ZONE and each.is_required)
        there = self._bins.counts(self._known.selected(constraint.matcher)) * self._counted(demand, constraint)
        counts = {zone: int(there[self._bins.zone == zone].sum()) for zone in zones}
        shares = dict.fromkeys(zones, 0)
        for _ in demand.pods:
            zone = min(zones, key=lambda each: (counts[each] + shares[each], each))
            shares[zone] += 1
        return shares

    def _hosts(self, demands: Iterable[Demand]) -> Bools:
        return np.asarray(self._bins.counts(demands) > 0)


def _is_usual(constraint: SpreadConstraint) -> bool:
    is_plain = constraint.matches_self and constraint.honours_affinity and constraint.min_domains <= 1
    return is_plain and constraint.topology_key in USUAL
