"""What pods seldom say about other pods, kept for one pod after the other: any topology, all fields of a spread.

The rules are those of the scheduler's plugins PodTopologySpread and InterPodAffinity. A domain that a machine could be
made in counts as empty, so that what is planned holds whichever of the machines comes first.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cloudk8s.provisioning.autoscaler.acquaintance import Acquaintance
from cloudk8s.provisioning.autoscaler.bins import STANDING, Bins
from cloudk8s.provisioning.autoscaler.demand import Demand, is_matched
from cloudk8s.provisioning.autoscaler.domains import OUTSIDE, Domains
from cloudk8s.provisioning.autoscaler.suitability import Bools, Numbers, Suitability
from cloudk8s.scheduler.pod.affinity import AffinityTerm
from cloudk8s.scheduler.pod.spread import SpreadConstraint

NO_DOMAINS: Numbers = np.zeros(0, dtype=np.int64)


class Stepwise:
    """Says where the next pod of a demand may be: in which bins, and on new machines of which offers."""

    def __init__(
        self, known: Acquaintance, bins: Bins, domains: Domains, nodes: Suitability, offers: Suitability
    ) -> None:
        self._known, self._bins, self._domains = known, bins, domains
        self._nodes, self._offers = nodes, offers

    def allowed(self, demand: Demand, makeable: Bools) -> tuple[Bools, Bools]:
        """Bins and offers that other pods leave; `makeable` are the offers that a machine could be made of."""
        bins, offers = np.ones(len(self._bins), dtype=bool), makeable.copy()
        bins &= self._counts(self._known.clashing(demand)) == 0
        for constraint in demand.shape.spread:
            if constraint.is_required:
                self._spread(demand, constraint, makeable, bins, offers)
        self._near(demand, bins, offers)
        for term in demand.shape.affinity.required_anti:
            self._away(self._known.selected(term.matcher), term.topology_key, bins, offers)
        for key, others in self._known.avoided_by(demand).items():
            self._away(others, key, bins, offers)
        return bins, offers

    def counted(self, demand: Demand, constraint: SpreadConstraint) -> Bools:
        """The bins that a spread constraint counts."""
        found = np.ones(len(self._bins), dtype=bool)
        standing = self._nodes.counts_for(demand, constraint)
        found[: len(standing)] = standing
        planned = self._bins.offer != STANDING
        found[planned] = self._offers.counts_for(demand, constraint)[self._bins.offer[planned]]
        return found

    def is_kept(self, demand: Demand) -> bool:
        """Whether a demand's pods are spread, and near others, as it wants them, as everything stands."""
        there = self._bins.placed(demand) > 0
        for constraint in demand.shape.spread:
            if constraint.is_required:
                here, counts, least = self._counted(demand, constraint)
                if (counts[here[there]] > constraint.max_skew + least).any():
                    return False
        return self._is_near(demand, there)

    def _spread(
        self, demand: Demand, constraint: SpreadConstraint, makeable: Bools, bins: Bools, offers: Bools
    ) -> None:
        there = self._domains.of_offers(constraint.topology_key)
        here, counts, least = self._counted(demand, constraint, there[makeable & (there != OUTSIDE)])
        fits = counts <= constraint.max_skew + least - int(constraint.matches_self)
        bins &= (here != OUTSIDE) & fits[here]
        offers &= (there != OUTSIDE) & fits[there]

    def _counted(
        self, demand: Demand, constraint: SpreadConstraint, possible: Numbers = NO_DOMAINS
    ) -> tuple[Numbers, Numbers, int]:
        """The domains of bins, what counts in each domain, and the least of that, `possible` domains included."""
        key = constraint.topology_key
        here = self._domains.of_bins(key)
        counted = self.counted(demand, constraint) & (here != OUTSIDE)
        for other in demand.shape.spread:
            if other.is_required and other is not constraint:
                counted &= self._domains.of_bins(other.topology_key) != OUTSIDE
        counts = self._by_domain(self._counts(self._known.selected(constraint.matcher)), here, counted, key)
        present = np.zeros(len(counts), dtype=bool)
        present[here[counted]] = True
        is_short = int(present.sum()) < constraint.min_domains
        present[possible] = True
        least = 0 if is_short or not present.any() else int(counts[present].min())
        return here, counts, least

    def _near(self, demand: Demand, bins: Bools, offers: Bools) -> None:
        """By affinity; the first of pods that seek each other may go anywhere."""
        terms = demand.shape.affinity.required
        if not terms:
            return
        sought = self._sought(demand)
        is_first = not sought.any() and all(is_matched(term, demand) for term in terms)
        for term in terms:
            there = self._domains.of_offers(term.topology_key)
            here, near = self._neighbourhood(term, sought)
            bins &= (here != OUTSIDE) & (near[here] | is_first)
            offers &= (there != OUTSIDE) & (near[there] | is_first)

    def _is_near(self, demand: Demand, there: Bools) -> bool:
        """Whether the bins that a demand's pods are in have the neighbours that these want."""
        terms = demand.shape.affinity.required
        found = (self._neighbourhood(term, self._sought(demand)) for term in terms)
        return all(bool(near[here[there]].all()) for here, near in found)

    def _sought(self, demand: Demand) -> Numbers:
        """Pods in each bin that fulfil all terms of affinity together."""
        terms = demand.shape.affinity.required
        return self._counts(frozenset.intersection(*(self._known.selected(term.matcher) for term in terms)))

    def _neighbourhood(self, term: AffinityTerm, sought: Numbers) -> tuple[Numbers, Bools]:
        """The domains of bins, and which domains have pods that are sought."""
        here = self._domains.of_bins(term.topology_key)
        return here, self._by_domain(sought, here, here != OUTSIDE, term.topology_key) > 0

    def _away(self, others: Iterable[Demand], key: str, bins: Bools, offers: Bools) -> None:
        here, there = self._domains.of_bins(key), self._domains.of_offers(key)
        has = self._by_domain(self._counts(others), here, here != OUTSIDE, key) > 0
        bins &= (here == OUTSIDE) | ~has[here]
        offers &= (there == OUTSIDE) | ~has[there]

    def _counts(self, demands: Iterable[Demand]) -> Numbers:
        return self._bins.counts(demands)

    def _by_domain(self, counts: Numbers, domains: Numbers, counted: Bools, key: str) -> Numbers:
        found = np.bincount(domains[counted], weights=counts[counted], minlength=self._domains.size(key) + 1)
        return found.astype(np.int64)
