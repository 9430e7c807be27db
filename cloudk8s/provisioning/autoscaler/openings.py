"""The machines that could be made, as columns: what they hold and cost, whom they suit, how many more there may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cloudk8s.provisioning.autoscaler.demand import Demand
from cloudk8s.provisioning.autoscaler.offer import Offer
from cloudk8s.provisioning.autoscaler.suitability import MANY, Bools, Numbers, Suitability, holds, sizes


class Openings:
    """Offers by number; those of one pool share its room."""

    def __init__(self, offers: Sequence[Offer], resources: Sequence[str], zones: Sequence[str]) -> None:
        self.offers, self._resources = offers, resources
        self.suitability = Suitability(offers, [""] * len(offers))
        self.sizes = sizes([offer.allocatable for offer in offers], resources)
        self.costs = np.array([offer.cost for offer in offers])
        self.zones = np.array([zones.index(offer.zone) for offer in offers], dtype=np.int64)
        room = {offer.pool: MANY if offer.room is None else offer.room for offer in offers}
        self._pool_of = np.array([list(room).index(offer.pool) for offer in offers], dtype=np.int64)
        self._room = np.array(list(room.values()), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.offers)

    def largest(self) -> Mapping[str, int]:
        """The most that any machine has of each resource."""
        return dict(zip(self._resources, map(int, self.sizes.max(axis=0, initial=0)), strict=True))

    def fits(self, need: Numbers) -> Numbers:
        """How many pods an empty machine of each offer holds."""
        return holds(self.sizes, need)

    def suits(self, demand: Demand) -> Bools:
        return self.suitability.suits(demand)

    def makeable(self, demand: Demand, fits: Numbers) -> Bools:
        """Offers that suit and hold a pod, of pools that may grow."""
        return self.suits(demand) & self.have_room() & (fits > 0)

    def levels(self, demand: Demand) -> list[int | None]:
        """How much offers that suit are preferred, the most first; one level where all are the same."""
        preferences = self.suitability.preferences(demand) if len(self) else None
        if preferences is None:
            return [None]
        return [*np.unique(preferences[self.suits(demand)])[::-1].tolist()] or [None]

    def preferred(self, demand: Demand, level: int | None) -> Bools:
        """Offers that suit, and are preferred at least so much."""
        suits, preferences = self.suits(demand), self.suitability.preferences(demand)
        return suits if level is None or preferences is None else suits & (preferences >= level)

    def most_preferred(self, demand: Demand, among: Bools) -> Bools:
        """Those of some offers that the demand prefers to the others."""
        preferences = self.suitability.preferences(demand)
        return among if preferences is None else among & (preferences == preferences[among].max())

    def cheapest(self, usable: Bools, pods: Numbers) -> int:
        """The offer with the lowest cost per pod."""
        return int(np.argmin(np.where(usable, self.costs / np.maximum(pods, 1), np.inf)))

    def cheaper(self, now: int, usable: Bools) -> int | None:
        """The cheapest offer that would do in place of one that has been taken, if it costs less."""
        usable = usable & (self.have_room() | (self._pool_of == self._pool_of[now]))
        best = int(np.argmin(np.where(usable, self.costs, np.inf)))
        return best if usable[best] and self.costs[best] < self.costs[now] else None

    def have_room(self) -> Bools:
        """Of each offer: whether its pool may grow."""
        return np.asarray(self._room[self._pool_of] > 0)

    def room(self, offer: int) -> int:
        """How many more machines its pool may have."""
        return int(self._room[self._pool_of[offer]])

    def take(self, offer: int, count: int) -> None:
        """So many machines are to be made; negative is fewer."""
        self._room[self._pool_of[offer]] -= count
