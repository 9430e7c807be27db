"""Which domain of a topology each bin is in, and each machine that could be made would be in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cloudk8s.provisioning.autoscaler.bins import STANDING, Bins
from cloudk8s.provisioning.autoscaler.offer import Offer, StandingNode
from cloudk8s.provisioning.autoscaler.suitability import Bools, Numbers
from cloudk8s.scheduler.pod.spread import HOSTNAME

OUTSIDE = -1
"""The domain of what lacks the label."""


class Domains:
    """Numbers for the values of labels; every machine that is to be made is a host of its own."""

    def __init__(self, nodes: Sequence[StandingNode], offers: Sequence[Offer], bins: Bins) -> None:
        self._nodes, self._offers, self._bins = nodes, offers, bins
        self._known: dict[str, tuple[Numbers, Numbers, int]] = {}

    def of_bins(self, key: str) -> Numbers:
        standing, offered, values = self._of(key)
        found = np.full(len(self._bins), OUTSIDE, dtype=np.int64)
        found[: len(standing)] = standing
        planned = self._bins.offer != STANDING
        found[planned] = values + np.flatnonzero(planned) if key == HOSTNAME else offered[self._bins.offer[planned]]
        return found

    def of_offers(self, key: str) -> Numbers:
        """The domain of a machine that is made next."""
        _, offered, values = self._of(key)
        return np.full(len(offered), values + len(self._bins), dtype=np.int64) if key == HOSTNAME else offered

    def size(self, key: str) -> int:
        """More than the number of any domain."""
        return self._of(key)[2] + (len(self._bins) + 1 if key == HOSTNAME else 0)

    def alike(self, offer: int, keys: Sequence[str]) -> Bools:
        """Offers that are in the domains of one in these topologies."""
        found = np.ones(len(self._offers), dtype=bool)
        for key in keys:
            offered = self._of(key)[1]
            found &= offered == offered[offer]
        return found

    def _of(self, key: str) -> tuple[Numbers, Numbers, int]:
        found = self._known.get(key)
        if found is None:
            numbers: dict[str, int] = {}
            standing = [_number(numbers, each.labels, key) for each in self._nodes]
            offered = [_number(numbers, each.labels, key) for each in self._offers]
            found = np.array(standing, dtype=np.int64), np.array(offered, dtype=np.int64), len(numbers)
            self._known[key] = found
        return found


def _number(numbers: dict[str, int], labels: Mapping[str, str], key: str) -> int:
    value = labels.get(key)
    return OUTSIDE if value is None else numbers.setdefault(value, len(numbers))
