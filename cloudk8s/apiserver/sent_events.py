"""How many events watches have sent, and how large they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cloudk8s.api.resource import ResourceType

BOUNDS: Final = tuple(1024 << power for power in range(8))
"""Upstream's bounds, in bytes."""
_LARGEST: Final = 64
Place = tuple[str, str, str]
"""Group, version and plural."""


class Count:
    """What the watches of one resource have sent."""

    __slots__ = ("bytes", "sizes")

    def __init__(self) -> None:
        self.sizes = [0] * _LARGEST
        """Events by the number of bits that their size takes."""
        self.bytes = 0

    def note(self, size: int) -> None:
        """One event of so many bytes was sent; every event of every watch comes here."""
        self.sizes[size.bit_length()] += 1
        self.bytes += size

    @property
    def number(self) -> int:
        return sum(self.sizes)

    def histogram(self) -> tuple[list[int], int]:
        """How many events were smaller than each of `BOUNDS`, or larger than all; and the sum of their sizes."""
        first = BOUNDS[0].bit_length() - 1
        middle = self.sizes[first + 1 : first + len(BOUNDS)]
        return [sum(self.sizes[: first + 1]), *middle, sum(self.sizes[first + len(BOUNDS) :])], self.bytes


class SentEvents:
    """A count for every resource that was ever watched."""

    def __init__(self) -> None:
        self._counts: dict[Place, Count] = {}

    def of(self, resource: ResourceType) -> Count:
        """The count of a resource, which outlives changes of a custom resource's definition."""
        return self._counts.setdefault((resource.group, resource.version, resource.plural), Count())

    def all(self) -> Iterator[tuple[Place, Count]]:
        """Everything counted so far."""
        return iter(sorted(self._counts.items(), key=lambda one: one[0]))
