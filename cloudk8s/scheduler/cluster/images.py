"""Which nodes hold which images, as columns made for the images that somebody asks about."""

from __future__ import annotations

import numpy as np

from cloudk8s.client.interface import Object
from cloudk8s.scheduler.cluster.arrays import Bools, grown


class ImageColumns:
    """Presence of images on nodes. `version` changes whenever a node's images do."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._held: list[dict[str, int]] = [{}] * capacity
        self._columns: dict[str, Bools] = {}
        self._nodes_with: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self.version = 0

    def put(self, slot: int, node: Object | None) -> None:
        """Replace what a node holds."""
        held = _images(node)
        if held == self._held[slot]:
            return
        self.version += 1
        for name in self._held[slot].keys() - held.keys():
            self._count(name, slot, -1)
        for name in held.keys() - self._held[slot].keys():
            self._sizes[name] = held[name]
            self._count(name, slot, 1)
        self._held[slot] = held

    def nodes_with(self, name: str) -> int:
        return self._nodes_with.get(name, 0)

    def size(self, name: str) -> int:
        """Bytes of an image that some node holds."""
        return self._sizes[name]

    def column(self, name: str) -> Bools:
        """Which slots hold an image."""
        column = self._columns.get(name)
        if column is None:
            column = np.fromiter((name in held for held in self._held), dtype=np.bool_, count=self._capacity)
            self._columns[name] = column
        return column

    def grow(self, capacity: int) -> None:
        self._held.extend([{}] * (capacity - self._capacity))
        self._capacity = capacity
        for name, column in self._columns.items():
            self._columns[name] = grown(column, capacity, False)

    def _count(self, name: str, slot: int, sign: int) -> None:
        left = self._nodes_with.get(name, 0) + sign
        if left:
            self._nodes_with[name] = left
        else:
            self._nodes_with.pop(name, None)
        if (column := self._columns.get(name)) is not None:
            column[slot] = sign > 0


def _images(node: Object | None) -> dict[str, int]:
    found = ((node or {}).get("status") or {}).get("images") or ()
    return {name: int(image.get("sizeBytes") or 0) for image in found for name in image.get("names") or ()}
