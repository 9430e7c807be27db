"""Put demands into nodes that are there, then into the machines that cost least for them.

Per demand, how many of its pods every bin holds is one division of columns. New machines are first of the offer with
the lowest cost per pod, and at the end each becomes the cheapest that still holds what is in it. Constraints between
pods are kept as upstream's scheduler keeps them, never more loosely: a spread over hosts keeps every host within the
skew of none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cloudk8s.client.interface import Object
from cloudk8s.provisioning.autoscaler.bins import STANDING, Bins
from cloudk8s.provisioning.autoscaler.decision import Decision, PlannedMachine, Refused
from cloudk8s.provisioning.autoscaler.demand import Demand, demands_of, in_order
from cloudk8s.provisioning.autoscaler.neighbours import Neighbours
from cloudk8s.provisioning.autoscaler.offer import Offer, StandingNode
from cloudk8s.provisioning.autoscaler.refusal import refusal
from cloudk8s.provisioning.autoscaler.suitability import MANY, Bools, Numbers, Suitability, holds, matrix


def decide(pods: Iterable[Object], nodes: Sequence[StandingNode], offers: Sequence[Offer]) -> Decision:
    """Which machines to make for pending pods; the same for the same input."""
    packing = Packing(nodes, offers, demands_of(pods))
    packing.run()
    return packing.decision()


@dataclass(slots=True)
class _Rest:
    """What is left of a demand in one zone, or in any."""

    zone: int | None
    count: int


class Packing:
    """One look at everything."""

    def __init__(self, nodes: Sequence[StandingNode], offers: Sequence[Offer], demands: Sequence[Demand]) -> None:
        self._nodes, self._offers = [node for node in nodes if node.accepts], offers
        self._zones = sorted({node.zone for node in self._nodes} | {offer.zone for offer in offers})
        bound = [demands_of(node.pods) for node in self._nodes]
        self._resources = sorted({name for demand in demands for name in demand.requests})
        self._sizes = matrix([offer.allocatable for offer in offers], self._resources)
        self._costs = np.array([offer.cost for offer in offers])
        self._offer_zones = np.array([self._zones.index(offer.zone) for offer in offers], dtype=np.int64)
        largest = self._sizes.max(axis=0, initial=0)
        self._demands = in_order(demands, dict(zip(self._resources, map(int, largest), strict=True)))
        self._bins = Bins(self._free(bound), [self._zones.index(node.zone) for node in self._nodes], bound)
        room = {offer.pool: MANY if offer.room is None else offer.room for offer in offers}
        self._pool_of = np.array([list(room).index(offer.pool) for offer in offers], dtype=np.int64)
        self._room = np.array(list(room.values()), dtype=np.int64)
        self._suits_offers = Suitability(offers, [""] * len(offers))
        self._suits_nodes = Suitability(self._nodes, [node.name for node in self._nodes])
        self._neighbours = Neighbours(self._demands, bound, self._bins)
        self._refused: list[Refused] = []
        self._zones_open: dict[bytes, list[int]] = {}
        self._closed = np.zeros(len(self._nodes), dtype=bool)

    def run(self) -> None:
        """Place every demand, then make every planned machine as cheap as it can be."""
        for demand in self._demands:
            self._place(demand)
        self._shrink()

    def decision(self) -> Decision:
        machines, fitting = [], []
        for number, content in enumerate(self._bins.contents):
            pods = tuple(pod for demand, first, count in content for pod in demand.pods[first : first + count])
            offer = int(self._bins.offer[number])
            if offer != STANDING:
                machines.append(PlannedMachine(self._offers[offer], pods))
            else:
                fitting += [(pod, self._nodes[number].name) for pod in pods]
        return Decision(tuple(machines), tuple(fitting), tuple(self._refused))

    def relocate(self, node: str, demands: Sequence[Demand]) -> list[tuple[str, str]]:
        """Move pods off a node that is closed for good; where each goes, or nothing at all where one has no place."""
        number = next(number for number, each in enumerate(self._nodes) if each.name == node)
        self._closed[number] = True
        moved: list[tuple[Demand, Numbers, Numbers]] = []
        for demand in demands:
            self._bins.leave(demand, number)
        for demand in demands:
            need, first = matrix([demand.requests], self._resources)[0], 0
            for rest in self._shares(demand):
                before = self._bins.counts((demand,))
                first = self._fill(demand, need, first, rest)
                moved.append((demand, self._bins.counts((demand,)) - before, need))
            if first < len(demand.pods):
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
        free = matrix([node.allocatable for node in self._nodes], self._resources)
        for number, demands in enumerate(bound):
            for demand in demands:
                free[number] -= len(demand.pods) * matrix([demand.requests], self._resources)[0]
        return free

    def _place(self, demand: Demand) -> None:
        need = matrix([demand.requests], self._resources)[0]
        first = 0
        for rest in self._shares(demand):
            first = self._fill(demand, need, first, rest)
            first = self._open(demand, need, first, rest)
        if first < len(demand.pods):
            left = tuple(demand.pods[first:])
            self._refused.append(Refused(left, refusal(demand, self._offers, self._suits_offers, self._has_room())))

    def _shares(self, demand: Demand) -> list[_Rest]:
        """How many pods go to which zone; one share without zone where that does not matter."""
        zones = self._neighbours.zones_for(demand, self._open_zones(demand))
        if zones is None:
            return [_Rest(None, len(demand.pods))]
        return [_Rest(zone, count) for zone, count in zones.items() if count]

    def _open_zones(self, demand: Demand) -> list[int]:
        """Zones that have, or could get, a node that suits."""
        found = self._zones_open.get(demand.placing)
        if found is None:
            offered = self._suits_offers.selected(demand) & self._suits_offers.tolerated(demand)
            there = self._suits_nodes.selected(demand) & self._suits_nodes.tolerated(demand)
            zones = {*self._offer_zones[offered].tolist(), *self._bins.zone[: len(there)][there].tolist()}
            found = self._zones_open[demand.placing] = sorted(zones)
        return found

    def _fill(self, demand: Demand, need: Numbers, first: int, rest: _Rest) -> int:
        """Use what is free in nodes and in machines that are planned already."""
        if not len(self._bins):
            return first
        takes = np.where(self._usable(demand, rest.zone), holds(self._bins.free, need), 0)
        takes = np.minimum(takes, self._neighbours.limits(demand))
        takes = np.clip(rest.count - (np.cumsum(takes) - takes), 0, takes)
        after = self._bins.put(demand, first, takes, need)
        rest.count -= after - first
        return after

    def _usable(self, demand: Demand, zone: int | None) -> Bools:
        offers = self._suits_offers.selected(demand) & self._suits_offers.tolerated(demand)
        there = self._suits_nodes.selected(demand) & self._suits_nodes.tolerated(demand)
        suits = np.zeros(len(self._bins), dtype=bool)
        suits[: len(there)] = there & ~self._closed
        if len(self._offers):
            planned = self._bins.offer != STANDING
            suits[planned] = offers[self._bins.offer[planned]]
        if zone is not None:
            suits &= self._bins.zone == zone
        return suits

    def _open(self, demand: Demand, need: Numbers, first: int, rest: _Rest) -> int:
        """Plan machines for what is left, the cheapest per pod first, until pools are full."""
        while rest.count > 0 and len(self._offers) and (limit := self._neighbours.new_limit(demand)) > 0:
            fits = np.minimum(holds(self._sizes, need), limit)
            usable = self._suits_offers.selected(demand) & self._suits_offers.tolerated(demand) & (fits > 0)
            usable &= self._has_room()
            if self._neighbours.is_together(demand):
                usable &= fits >= rest.count
            if rest.zone is not None:
                usable &= self._offer_zones == rest.zone
            if not usable.any():
                break
            score = np.where(usable, self._costs / np.maximum(np.minimum(fits, rest.count), 1), np.inf)
            chosen = int(np.argmin(score))
            each, pool = int(fits[chosen]), int(self._pool_of[chosen])
            count = min(-(-rest.count // each), int(self._room[pool]))
            self._room[pool] -= count
            new = self._bins.open(chosen, int(self._offer_zones[chosen]), self._sizes[chosen], count)
            takes = np.zeros(len(self._bins), dtype=np.int64)
            takes[new.start :] = np.clip(rest.count - each * np.arange(count), 0, each)
            after = self._bins.put(demand, first, takes, need)
            rest.count -= after - first
            first = after
        return first

    def _shrink(self) -> None:
        """Make each planned machine the cheapest of its zone that suits and holds all that is in it."""
        for number in np.flatnonzero(self._bins.offer != STANDING).tolist():
            now = int(self._bins.offer[number])
            used = self._sizes[now] - self._bins.free[number]
            usable = (self._sizes >= used).all(axis=1) & (self._offer_zones == self._offer_zones[now])
            for demand, _, _ in self._bins.contents[number]:
                usable &= self._suits_offers.selected(demand) & self._suits_offers.tolerated(demand)
            usable &= self._has_room() | (self._pool_of == self._pool_of[now])
            score = np.where(usable, self._costs, np.inf)
            best = int(np.argmin(score))
            if score[best] < self._costs[now]:
                self._room[self._pool_of[now]] += 1
                self._room[self._pool_of[best]] -= 1
                self._bins.become(number, best, self._sizes[best] - self._sizes[now])

    def _has_room(self) -> Bools:
        """Of each offer: whether its pool may grow."""
        return np.asarray(self._room[self._pool_of] > 0)
