"""Place demands one after the other (`placing`), the largest first, in nodes that are there and on new machines.

At the end each new machine becomes the cheapest that still holds what is in it and is no less welcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from cloudk8s.client.interface import Object
from cloudk8s.provisioning.autoscaler.bins import STANDING
from cloudk8s.provisioning.autoscaler.decision import Decision, PlannedMachine, Refused
from cloudk8s.provisioning.autoscaler.demand import NOWHERE, Demand, Surroundings, demands_of, in_order
from cloudk8s.provisioning.autoscaler.offer import Offer, StandingNode
from cloudk8s.provisioning.autoscaler.placing import Placing, Task
from cloudk8s.provisioning.autoscaler.refusal import refusal
from cloudk8s.provisioning.autoscaler.suitability import Numbers, holds_one

MOST_ROUNDS = 3
"""So often demands are placed anew whose spread others have upset, and those that had to be near them."""


def decide(
    pods: Iterable[Object], nodes: Sequence[StandingNode], offers: Sequence[Offer], around: Surroundings = NOWHERE
) -> Decision:
    """Which machines to make for pending pods; the same for the same input."""
    packing = Packing(nodes, offers, demands_of(pods, around), around)
    packing.run()
    return packing.decision()


class Packing:
    """One look at everything."""

    def __init__(
        self, nodes: Sequence[StandingNode], offers: Sequence[Offer], demands: Sequence[Demand],
        around: Surroundings = NOWHERE,
    ) -> None:  # fmt: skip
        self._nodes = nodes
        self._placing = Placing(nodes, offers, demands, around)
        self._bins, self._openings = self._placing.bins, self._placing.openings
        self._demands = in_order(demands, self._openings.largest())
        self._refused: dict[Demand, Refused] = {}

    def run(self) -> None:
        """Place every demand, then make every planned machine as cheap as it can be."""
        for demand in self._demands:
            task = self._placing.task(demand)
            if not demand.problem:
                self._placing.put(task, makes=True)
            self._tell_refused(task)
        unsettled = dict.fromkeys(self._placing.spreading)
        for _ in range(MOST_ROUNDS):
            if not sum(self._settle(demand) for demand in unsettled):
                break
            unsettled |= dict.fromkeys(each for each in self._demands if each.shape.affinity.required)
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
        self._placing.closed[number] = True
        moved: list[tuple[Demand, Numbers, Numbers]] = []
        for demand in demands:
            self._bins.leave(demand, number)
        for demand in demands:
            task, before = self._placing.task(demand), self._bins.counts((demand,))
            self._placing.put(task, makes=False)
            moved.append((demand, self._bins.counts((demand,)) - before, task.need))
            if task.first < len(demand.pods):
                for placed, takes, asked in moved:
                    self._bins.take_back(placed, takes, asked)
                for each in demands:
                    self._bins.come_back(each, number)
                self._placing.closed[number] = False
                return []
        return [
            (pod, self._nodes[place].name)
            for place, content in enumerate(self._bins.contents) for demand, first, count in content
            if demand in demands for pod in demand.pods[first : first + count]
        ]  # fmt: skip

    def _tell_refused(self, task: Task) -> None:
        demand = task.demand
        if left := tuple(demand.pods[task.first :]):
            reason = demand.problem or refusal(demand, self._openings.offers, self._openings.have_room())
            self._refused[demand] = Refused(left, reason)

    def _settle(self, demand: Demand) -> bool:
        """Place a demand anew that what was planned after it has upset; whether that was so."""
        if not self._placing.is_upset(demand):
            return False
        task = self._placing.task(demand)
        self._bins.take_back(demand, self._bins.placed(demand), task.need)
        self._refused.pop(demand, None)
        self._placing.put_one_by_one(task, makes=True)
        self._tell_refused(task)
        return True

    def _shrink(self) -> None:
        """Make each planned machine the cheapest of its zone that suits and holds all that is in it."""
        openings = self._openings
        for number in np.flatnonzero(self._bins.offer != STANDING).tolist():
            now = int(self._bins.offer[number])
            used = openings.sizes[now] - self._bins.free[number]
            usable = holds_one(openings.sizes, used) & (openings.zones == openings.zones[now])
            usable &= self._placing.domains.alike(now, self._placing.topologies)
            for demand in {each.placing: each for each, _, _ in self._bins.contents[number]}.values():
                preferences = openings.suitability.preferences(demand)
                usable &= openings.preferred(demand, None if preferences is None else int(preferences[now]))
            if (best := openings.cheaper(now, usable)) is not None:
                openings.take(now, -1)
                openings.take(best, 1)
                self._bins.become(number, best, openings.sizes[best] - openings.sizes[now])
