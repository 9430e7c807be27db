"""Put the pods of one demand after the other into nodes that are there, then into machines that cost least for them.

Per demand, how many of its pods every bin holds is one division of columns. New machines are first of the offer that
the demand prefers, and among those of the one with the lowest cost per pod. Constraints between pods are kept as
upstream's scheduler keeps them, never more loosely: a spread over hosts keeps every host within the skew of none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cloudk8s.provisioning.autoscaler.acquaintance import Acquaintance
from cloudk8s.provisioning.autoscaler.bins import Bins
from cloudk8s.provisioning.autoscaler.demand import NOWHERE, Demand, Surroundings, demands_of
from cloudk8s.provisioning.autoscaler.domains import Domains
from cloudk8s.provisioning.autoscaler.neighbours import USUAL, Neighbours
from cloudk8s.provisioning.autoscaler.offer import Offer, StandingNode
from cloudk8s.provisioning.autoscaler.openings import Openings
from cloudk8s.provisioning.autoscaler.stepwise import Stepwise
from cloudk8s.provisioning.autoscaler.suitability import (
    Bools,
    Numbers,
    Suitability,
    holds,
    holds_one,
    need_of,
    sizes,
)
from cloudk8s.scheduler.pod.spread import HOSTNAME, ZONE

ONE = np.ones(1, dtype=np.int64)


@dataclass(slots=True)
class Task:
    """A demand that is being placed: what one pod takes, and what is left to be done where."""

    demand: Demand
    need: Numbers
    fits: Numbers
    """How many pods a machine of each offer would hold."""
    first: int = 0
    """The first pod that has no place yet."""
    count: int = 0
    """How many are to be placed now,"""
    zone: int | None = None
    """in this zone, or in any,"""
    level: int | None = None
    """on machines that are preferred at least so much."""


class Placing:
    """Everything that pods can be put into, and what has been put there so far."""

    def __init__(
        self, nodes: Sequence[StandingNode], offers: Sequence[Offer], demands: Sequence[Demand],
        around: Surroundings = NOWHERE,
    ) -> None:  # fmt: skip
        self._zones = sorted({node.zone for node in nodes} | {offer.zone for offer in offers})
        self._resources = sorted({name for demand in demands for name in demand.requests})
        bound = [demands_of(node.pods, around) for node in nodes]
        self.openings = Openings(offers, self._resources, self._zones)
        self.bins = Bins(self._free(nodes, bound), [self._zones.index(node.zone) for node in nodes], bound)
        self.domains = Domains(nodes, offers, self.bins)
        self.closed = np.array([not node.accepts for node in nodes], dtype=bool)
        """Of each node: whether nothing may be put there."""
        known = Acquaintance(demands, bound)
        self.topologies = sorted(known.topologies() - set(USUAL))
        """Those beside hosts and zones that anybody says anything about."""
        self._suits_nodes = Suitability(nodes, [node.name for node in nodes])
        self._stepwise = Stepwise(known, self.bins, self.domains, self._suits_nodes, self.openings.suitability)
        self._neighbours = Neighbours(known, self.bins, self._stepwise.counted)
        self.spreading: dict[Demand, list[int] | None] = {}
        """Demands with a spread to keep, and the zones that were counted; None where more than zones count."""

    def task(self, demand: Demand) -> Task:
        need = need_of(demand, self._resources)
        return Task(demand, need, self.openings.fits(need))

    def put(self, task: Task, *, makes: bool) -> None:
        """Find places, as long as there are any."""
        demand = task.demand
        minds_zones = self._neighbours.minds_zones(demand)
        zones = self._open_zones(task) if minds_zones else []
        is_usual = self._are_usual(demand, zones)
        if any(each.is_required and each.topology_key != HOSTNAME for each in demand.shape.spread):
            self.spreading[demand] = zones if is_usual else None
        if not is_usual:
            self.put_one_by_one(task, makes=makes)
            return
        shares = self._neighbours.zones_for(demand, zones) if minds_zones else {None: len(demand.pods)}
        for task.zone, task.count in shares.items():
            for task.level in self.openings.levels(demand):
                self._fill(task)
                if makes:
                    self._open(task)

    def put_one_by_one(self, task: Task, *, makes: bool) -> None:
        """Pod after pod, since each one changes where the next may be."""
        demand = task.demand
        for task.count in range(len(demand.pods), 0, -1):
            bins, offers = self._stepwise.allowed(demand, self.openings.makeable(demand, task.fits))
            rows = np.flatnonzero(bins & holds_one(self.bins.free, task.need))
            rows = rows[self._usable(task, rows)]
            if not len(rows) and makes and offers.any():
                offers = self.openings.most_preferred(demand, offers)
                self._make(self.openings.cheapest(offers, np.minimum(task.fits, task.count)), 1)
                rows = np.array([len(self.bins) - 1])
            if not len(rows):
                return
            task.first = self.bins.put(demand, task.first, rows[:1], ONE, task.need)

    def is_upset(self, demand: Demand) -> bool:
        """Whether what was planned after it has upset the spread that a demand wants, or has left it behind."""
        zones = None if demand.shape.affinity.required else self.spreading.get(demand)
        if zones is not None and self._zones_of(np.ones(len(self.bins), dtype=bool)).issubset(zones):
            return False
        return not self._stepwise.is_kept(demand)

    def _are_usual(self, demand: Demand, zones: Sequence[int]) -> bool:
        """Whether what the demand says about others, and about these zones, can be kept for many pods at once."""
        if not self._neighbours.are_usual(demand):
            return False
        over = next((each for each in demand.shape.spread if each.topology_key == ZONE and each.is_required), None)
        if over is None:
            return not zones or "" not in self._zones
        return "" not in self._zones and self._zones_of(self._stepwise.counted(demand, over)).issubset(zones)

    def _zones_of(self, bins: Bools) -> set[int]:
        return set(np.flatnonzero(np.bincount(self.bins.zone[bins], minlength=len(self._zones))).tolist())

    def _open_zones(self, task: Task) -> list[int]:
        """Zones that have, or could get, a node that suits."""
        offered = self.openings.makeable(task.demand, task.fits)
        there = self._suits_nodes.suits(task.demand) & ~self.closed
        has = np.bincount(self.openings.zones[offered], minlength=len(self._zones))
        has += np.bincount(self.bins.zone[: len(there)][there], minlength=len(self._zones))
        found: list[int] = np.flatnonzero(has).tolist()
        return found

    def _fill(self, task: Task) -> None:
        """Use what is free in nodes and in machines that are planned already."""
        if not len(self.bins) or not task.count:
            return
        rows = np.flatnonzero(holds_one(self.bins.free, task.need))
        rows = rows[self._usable(task, rows)] if len(rows) else rows
        if not len(rows):
            return
        some = holds(self.bins.free[rows], task.need)
        if self._neighbours.has_limits(task.demand):
            some = np.minimum(some, self._neighbours.limits(task.demand)[rows])
        takes = np.minimum(np.maximum(task.count - (some.cumsum() - some), 0), some)
        self._take(task, rows, takes)

    def _take(self, task: Task, rows: Numbers, takes: Numbers) -> None:
        after = self.bins.put(task.demand, task.first, rows, takes, task.need)
        task.count -= after - task.first
        task.first = after

    def _usable(self, task: Task, rows: Numbers) -> Bools:
        """Which of some bins suit. Nodes that are there are used whatever is preferred, as the scheduler does."""
        standing = int(rows.searchsorted(len(self.closed)))  # they come first
        suits = np.zeros(len(rows), dtype=bool)
        if standing:
            there = self._suits_nodes.suits(task.demand) & ~self.closed
            suits[:standing] = there[rows[:standing]]
        if standing < len(rows):
            suits[standing:] = self.openings.preferred(task.demand, task.level)[self.bins.offer[rows[standing:]]]
        if task.zone is not None:
            suits &= self.bins.zone[rows] == task.zone
        return suits

    def _open(self, task: Task) -> None:
        """Plan machines for what is left, the cheapest per pod first, until pools are full."""
        while task.count > 0 and len(self.openings) and (limit := self._neighbours.new_limit(task.demand)) > 0:
            fits = np.minimum(task.fits, limit)
            usable = self.openings.preferred(task.demand, task.level) & (fits > 0) & self.openings.have_room()
            if self._neighbours.is_together(task.demand):
                usable &= fits >= task.count
            if task.zone is not None:
                usable &= self.openings.zones == task.zone
            if not usable.any():
                break
            chosen = self.openings.cheapest(usable, np.minimum(fits, task.count))
            each = int(fits[chosen])
            new = self._make(chosen, min(-(-task.count // each), self.openings.room(chosen)))
            takes = np.minimum(task.count - each * np.arange(len(new)), each)
            self._take(task, np.arange(new.start, new.stop), takes)

    def _make(self, offer: int, count: int) -> range:
        self.openings.take(offer, count)
        return self.bins.open(offer, int(self.openings.zones[offer]), self.openings.sizes[offer], count)

    def _free(self, nodes: Sequence[StandingNode], bound: Sequence[Sequence[Demand]]) -> Numbers:
        free = sizes([node.allocatable for node in nodes], self._resources)
        for number, demands in enumerate(bound):
            for demand in demands:
                free[number] -= len(demand.pods) * need_of(demand, self._resources)
        return free
