"""Keep objects while they are in use, by a finalizer that is taken off once they are deleted and nobody uses them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cloudk8s.client.interface import Client, Object, Resource
from cloudk8s.client.objects import finalizers_of, is_deleting


@dataclass(frozen=True, slots=True)
class Protection:
    """One finalizer on the objects of one resource."""

    client: Client
    resource: Resource
    finalizer: str

    def is_due(self, item: Object | None) -> bool:
        """Whether an object, as it is after a change, has to be looked at."""
        return item is not None and is_deleting(item) == (self.finalizer in finalizers_of(item))

    async def settle(self, item: Object | None, is_used: Callable[[Object], Awaitable[bool]]) -> None:
        """Put the finalizer on what stays; take it off what is deleted and not used."""
        if item is None or not self.is_due(item):
            return
        finalizers = finalizers_of(item)
        if not is_deleting(item):
            await self._write(item, [*finalizers, self.finalizer])
        elif not await is_used(item):
            await self._write(item, [each for each in finalizers if each != self.finalizer])

    async def _write(self, item: Object, finalizers: list[str]) -> None:
        metadata = {**item["metadata"], "finalizers": finalizers}
        await self.client.update(self.resource, {**item, "metadata": metadata})
