"""Bring raw scores to the range 0 to 100, as upstream's plugins do."""

from __future__ import annotations

from typing import cast

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Floats, Ints
from cloudk8s.scheduler.interface import MAX_SCORE


def by_maximum(raw: Ints, *, reverse: bool = False) -> Ints | None:
    """Scale so that the maximum becomes 100; None if that makes all alike. In reverse, less is better."""
    highest = int(raw.max())
    if highest == 0 or int(raw.min()) == highest:
        return None
    scaled = raw * MAX_SCORE // highest
    return MAX_SCORE - scaled if reverse else scaled


def by_range(raw: Ints) -> Ints | None:
    """Scale so that the minimum becomes 0 and the maximum 100; None if all are alike."""
    lowest, highest = int(raw.min()), int(raw.max())
    if lowest == highest:
        return None
    return cast("Ints", (MAX_SCORE * ((raw - lowest) / (highest - lowest))).astype(np.int64))


def floored(scores: Floats) -> Floats:
    """Whole numbers, as upstream's scores are; exact for quotients of integers below 2**53."""
    return np.floor(scores, out=scores)
