"""Put demands into nodes that are there, then into the machines that cost least for them.

Per demand, how many of its pods every bin holds is one division of columns. New machines are first of the offer that
the demand prefers, and among those of the one with the lowest cost per pod; at the end each becomes the cheapest that
still holds what is in it and is no less welcome. Constraints between pods are kept as upstream's scheduler keeps them,
never more loosely: a spread over hosts keeps every host within the skew of none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cloudk8s.client.interface import Object
from cloudk8s.provisioning.autoscaler.acquaintance import Acquaintance
from cloudk8s.provisioning.autoscaler.bins import STANDING, Bins
from cloudk8s.provisioning.autoscaler.decision import Decision, PlannedMachine, Refused
from cloudk8s.provisioning.autoscaler.demand import NOWHERE, Demand, Surroundings, demands_of, in_order
from cloudk8s.provisioning.autoscaler.domains import Domains
from cloudk8s.provisioning.autoscaler.neighbours import USUAL, Neighbours
from cloudk8s.provisioning.autoscaler.offer import Offer, StandingNode
from cloudk8s.provisioning.autoscaler.openings import Openings
from cloudk8s.provisioning.autoscaler.refusal import refusal
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


def decide(
    pods: Iterable[Object], nodes: Sequence[StandingNode], offers: Sequence[Offer], around: Surroundings = NOWHERE
) -> Decision:
    """Which machines to make for pending pods; the same for the same input."""
    packing = Packing(nodes, offers, demands_of(pods, around), around)
    packing.run()
    return packing.decision()


ONE = np.ones(1, dtype=np.int64)
MOST_ROUNDS = 3
"""So often demands are placed anew whose spread others have upset."""


@dataclass(slots=True)
class _Task:
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


class Packing:
    """One look at everything."""

    def __init__(
        self, nodes: Sequence[StandingNode], offers: Sequence[Offer], demands: Sequence[Demand],
        around: Surroundings = NOWHERE,
    ) -> None:  # fmt: skip
        self._nodes = nodes
        self._zones = sorted({node.zone for node in self._nodes} | {offer.zone for offer in offers})
        bound = [demands_of(node.pods, around) for node in self._nodes]
        self._resources = sorted({name for demand in demands for name in demand.requests})
        self._openings = Openings(offers, self._resources, self._zones)
        self._demands = in_order(demands, self._openings.largest(self._resources))
        self._bins = Bins(self._free(bound), [self._zones.index(node.zone) for node in self._nodes], bound)
        self._suits_nodes = Suitability(self._nodes, [node.name for node in self._nodes])
        known = Acquaintance(self._demands, bound)
        self._domains = Domains(nodes, offers, self._bins)
        self._stepwise = Stepwise(known, self._bins, self._domains, self._suits_nodes, self._openings.suitability)
        self._neighbours = Neighbours(known, self._bins, self._stepwise.counted)
        self._keys = known.topologies() - set(USUAL)
        self._refused: dict[Demand, Refused] = {}
        self._evened: dict[Demand, list[int] | None] = {}
        """Demands with a spread to keep, and the zones that were counted; None where more than zones count."""
        self._closed = np.array([not node.accepts for node in self._nodes], dtype=bool)

    def run(self) -> None:
        """Place every demand, then make every planned machine as cheap as it can be."""
        for demand in self._demands:
            self._place(demand)
        for _ in range(MOST_ROUNDS):
            if not sum(self._even_out(demand) for demand in self._evened):
                break
        self._shrink()

    def decision(self) -> Decision:
        machines, fitting = [], []
        for number, content in enumerate(self._bins.contents):
            pods = tuple(pod for demand, first, count in content for pod in demand.pods[first : first + count])
            offer = int(self._bins.offer[number])
            if offer != STANDING and pods:
                machines.append(PlannedMachine(self._openings.offers[offer], pods))
            elif pods:
                fitting += [(pod, self._nodes[number].name) for pod in pods]
        refused = (self._refused[demand] for demand in self._demands if demand in self._refused)
        return Decision(tuple(machines), tuple(fitting), tuple(refused))

    def relocate(self, node: str, demands: Sequence[Demand]) -> list[tuple[str, str]]:
        """Move pods off a node that is closed for good; where each goes, or nothing at all where one has no place."""
        number = next(number for number, each in enumerate(self._nodes) if each.name == node)
        self._closed[number] = True
        moved: list[tuple[Demand, Numbers, Numbers]] = []
        for demand in demands:
            self._bins.leave(demand, number)
        for demand in demands:
            task, before = self._task(demand), self._bins.counts((demand,))
            self._put(task, makes=False)
            moved.append((demand, self._bins.counts((demand,)) - before, task.need))
            if task.first < len(demand.pods):
                for placed, takes, asked in moved:
                    self._bins.take_back(placed, takes, asked)
                for each in demands:
                    self._bins.come_back(each, number)
                self._closed[number] = False
                return []
        return [
            (pod, self._nodes[place].name)
            for place, content in enumerate(self._bins.contents) for demand, first, count in content
            if demand in demands for pod in demand.pods[first : first + count]
        ]  # fmt: skip

    def _free(self, bound: Sequence[Sequence[Demand]]) -> Numbers:
        free = sizes([node.allocatable for node in self._nodes], self._resources)
        for number, demands in enumerate(bound):
            for demand in demands:
                free[number] -= len(demand.pods) * need_of(demand, self._resources)
        return free

    def _task(self, demand: Demand) -> _Task:
        need = need_of(demand, self._resources)
        return _Task(demand, need, self._openings.fits(need))

    def _place(self, demand: Demand) -> None:
        task = self._task(demand)
        if not demand.problem:
            self._put(task, makes=True)
        self._tell_refused(task)

    def _tell_refused(self, task: _Task) -> None:
        demand = task.demand
        if left := tuple(demand.pods[task.first :]):
            reason = demand.problem or refusal(demand, self._openings.offers, self._openings.have_room())
            self._refused[demand] = Refused(left, reason)

    def _even_out(self, demand: Demand) -> bool:
        """Place a demand anew whose spread what was planned after it has upset; whether that was so."""
        zones = self._evened[demand]
        if zones is not None and self._zones_of(np.ones(len(self._bins), dtype=bool)).issubset(zones):
            return False
        if self._stepwise.is_even(demand):
            return False
        task = self._task(demand)
        self._bins.take_back(demand, self._bins.placed(demand), task.need)
        self._refused.pop(demand, None)
        self._one_by_one(task, makes=True)
        self._tell_refused(task)
        return True

    def _put(self, task: _Task, *, makes: bool) -> None:
        """Find places, as long as there are any."""
        demand = task.demand
        minds_zones = self._neighbours.minds_zones(demand)
        zones = self._open_zones(task) if minds_zones else []
        is_usual = self._are_usual(demand, zones)
        if any(each.is_required and each.topology_key != HOSTNAME for each in demand.shape.spread):
            self._evened[demand] = zones if is_usual else None
        if not is_usual:
            self._one_by_one(task, makes=makes)
            return
        shares = self._neighbours.zones_for(demand, zones) if minds_zones else {None: len(demand.pods)}
        for task.zone, task.count in shares.items():
            for task.level in self._openings.levels(demand):
                self._fill(task)
                if makes:
                    self._open(task)

    def _are_usual(self, demand: Demand, zones: Sequence[int]) -> bool:
        """Whether what the demand says about others, and about these zones, can be kept for many pods at once."""
        if not self._neighbours.are_usual(demand):
            return False
        over = next((each for each in demand.shape.spread if each.topology_key == ZONE and each.is_required), None)
        if over is None:
            return not zones or "" not in self._zones
        return "" not in self._zones and self._zones_of(self._stepwise.counted(demand, over)).issubset(zones)

    def _zones_of(self, bins: Bools) -> set[int]:
        return set(np.flatnonzero(np.bincount(self._bins.zone[bins], minlength=len(self._zones))).tolist())

    def _open_zones(self, task: _Task) -> list[int]:
        """Zones that have, or could get, a node that suits."""
        offered = self._openings.makeable(task.demand, task.fits)
        there = self._suits_nodes.suits(task.demand) & ~self._closed
        has = np.bincount(self._openings.zones[offered], minlength=len(self._zones))
        has += np.bincount(self._bins.zone[: len(there)][there], minlength=len(self._zones))
        found: list[int] = np.flatnonzero(has).tolist()
        return found

    def _fill(self, task: _Task) -> None:
        """Use what is free in nodes and in machines that are planned already."""
        if not len(self._bins) or not task.count:
            return
        rows = np.flatnonzero(holds_one(self._bins.free, task.need))
        rows = rows[self._usable(task, rows)] if len(rows) else rows
        if not len(rows):
            return
        some = holds(self._bins.free[rows], task.need)
        if self._neighbours.has_limits(task.demand):
            some = np.minimum(some, self._neighbours.limits(task.demand)[rows])
        takes = np.minimum(np.maximum(task.count - (some.cumsum() - some), 0), some)
        self._take(task, rows, takes)

    def _take(self, task: _Task, rows: Numbers, takes: Numbers) -> None:
        after = self._bins.put(task.demand, task.first, rows, takes, task.need)
        task.count -= after - task.first
        task.first = after

    def _usable(self, task: _Task, rows: Numbers) -> Bools:
        """Which of some bins suit. Nodes that are there are used whatever is preferred, as the scheduler does."""
        standing = int(rows.searchsorted(len(self._nodes)))  # they come first
        suits = np.zeros(len(rows), dtype=bool)
        if standing:
            there = self._suits_nodes.suits(task.demand) & ~self._closed
            suits[:standing] = there[rows[:standing]]
        if standing < len(rows):
            suits[standing:] = self._openings.preferred(task.demand, task.level)[self._bins.offer[rows[standing:]]]
        if task.zone is not None:
            suits &= self._bins.zone[rows] == task.zone
        return suits

    def _open(self, task: _Task) -> None:
        """Plan machines for what is left, the cheapest per pod first, until pools are full."""
        while task.count > 0 and len(self._openings) and (limit := self._neighbours.new_limit(task.demand)) > 0:
            fits = np.minimum(task.fits, limit)
            usable = self._openings.preferred(task.demand, task.level) & (fits > 0) & self._openings.have_room()
            if self._neighbours.is_together(task.demand):
                usable &= fits >= task.count
            if task.zone is not None:
                usable &= self._openings.zones == task.zone
            if not usable.any():
                break
            chosen = self._openings.cheapest(usable, np.minimum(fits, task.count))
            each = int(fits[chosen])
            new = self._make(chosen, min(-(-task.count // each), self._openings.room(chosen)))
            takes = np.minimum(task.count - each * np.arange(len(new)), each)
            self._take(task, np.arange(new.start, new.stop), takes)

    def _one_by_one(self, task: _Task, *, makes: bool) -> None:
        """Pod after pod, since each one changes where the next may be."""
        demand = task.demand
        for task.count in range(len(demand.pods), 0, -1):
            bins, offers = self._stepwise.allowed(demand, self._openings.makeable(demand, task.fits))
            rows = np.flatnonzero(bins & holds_one(self._bins.free, task.need))
            rows = rows[self._usable(task, rows)]
            if not len(rows) and makes and offers.any():
                offers = self._openings.most_preferred(demand, offers)
                self._make(self._openings.cheapest(offers, np.minimum(task.fits, task.count)), 1)
                rows = np.array([len(self._bins) - 1])
            if not len(rows):
                return
            task.first = self._bins.put(demand, task.first, rows[:1], ONE, task.need)

    def _make(self, offer: int, count: int) -> range:
        self._openings.take(offer, count)
        return self._bins.open(offer, int(self._openings.zones[offer]), self._openings.sizes[offer], count)

    def _shrink(self) -> None:
        """Make each planned machine the cheapest of its zone that suits and holds all that is in it."""
        openings = self._openings
        for number in np.flatnonzero(self._bins.offer != STANDING).tolist():
            now = int(self._bins.offer[number])
            used = openings.sizes[now] - self._bins.free[number]
            usable = holds_one(openings.sizes, used) & (openings.zones == openings.zones[now])
            if self._keys:
                usable &= self._domains.alike(now, sorted(self._keys))
            for demand in {each.placing: each for each, _, _ in self._bins.contents[number]}.values():
                preferences = openings.suitability.preferences(demand)
                usable &= openings.preferred(demand, None if preferences is None else int(preferences[now]))
            if (best := openings.cheaper(now, usable)) is not None:
                openings.take(now, -1)
                openings.take(best, 1)
                self._bins.become(number, best, openings.sizes[best] - openings.sizes[now])
