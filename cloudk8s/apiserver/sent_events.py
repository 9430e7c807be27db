"""How many events watches have sent."""

from __future__ import annotations

from collections.abc import Iterator

from cloudk8s.api.resource import ResourceType

Place = tuple[str, str, str]
"""Group, version and plural."""


class Count:
    """What the watches of one resource have sent; they add to it directly, because they do so for every event."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0


class SentEvents:
    """A count for every resource that was ever watched."""

    def __init__(self) -> None:
        self._counts: dict[Place, Count] = {}

    def of(self, resource: ResourceType) -> Count:
        """The count of a resource, which outlives changes of a custom resource's definition."""
        return self._counts.setdefault((resource.group, resource.version, resource.plural), Count())

    def all(self) -> Iterator[tuple[Place, int]]:
        """Everything counted so far."""
        return ((place, count.number) for place, count in sorted(self._counts.items()))
