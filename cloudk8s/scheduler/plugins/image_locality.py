"""ImageLocality: prefer nodes that already hold the pod's images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Ints
from cloudk8s.scheduler.interface import MAX_SCORE, Candidates, Cycle, Handle

MEGABYTE: Final = 1024 * 1024
LEAST: Final = 23 * MEGABYTE
"""Less than this, in all, is not worth anything."""
MOST_PER_CONTAINER: Final = 1000 * MEGABYTE


class ImageLocality:
    """The more bytes of images a node holds the better; images that few nodes hold count less, lest these fill up."""

    name = "ImageLocality"

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        pass

    def score(self, cycle: Cycle, candidates: Candidates) -> Ints | None:
        shape, images, total = cycle.pod.shape, cycle.cluster.images, cycle.cluster.nodes.count
        held = [(name, count) for name in shape.images if (count := images.nodes_with(name))]
        if not held:
            return None
        rows = candidates.rows
        sums = np.zeros(candidates.count, dtype=np.int64)
        for name, count in held:
            sums += images.column(name)[rows] * int(images.size(name) * (count / total))
        most = MOST_PER_CONTAINER * shape.container_count
        return MAX_SCORE * (np.clip(sums, LEAST, most) - LEAST) // (most - LEAST)
