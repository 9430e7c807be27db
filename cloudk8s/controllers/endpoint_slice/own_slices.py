"""The slices of one manager: found by whom they are for, written, and looked at again when others change them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, name_of, namespace_of
from cloudk8s.client.queue import WorkQueue
from cloudk8s.client.resources import ENDPOINT_SLICES
from cloudk8s.controllers.endpoint_slice.packing import Plan
from cloudk8s.controllers.endpoint_slice.writes import LastWrites
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import is_namespace_terminating
from cloudk8s.errors import Conflict, NotFound, StatusError

OwnerKeys = Callable[[Object], Iterable[str]]
"""Index function: whom a slice is for, if this manager keeps it."""


class OwnSlices:
    """What others do to a slice brings its owner back into the queue; our own writes are known by their version."""

    def __init__(
        self, context: ControllerContext, queue: WorkQueue[str], index: str, owners: OwnerKeys, *, counted_as: str
    ) -> None:
        """Changes are counted in metrics that begin with `counted_as`."""
        changes = "Number of EndpointSlice changes"
        self._changes = context.instruments.counter(f"{counted_as}_changes", changes, ("operation",))
        slices = context.instruments.gauge(f"{counted_as}_num_endpoint_slices", "Number of EndpointSlices")
        slices.read_from(lambda: {(): sum(self._slices.count(index, at) for at in self._slices.index_values(index))})
        self._client, self._queue = context.client, queue
        self._index, self._owners = index, owners
        self._written = LastWrites(context.clock)
        self._slices = context.informers.of(ENDPOINT_SLICES)
        self._slices.add_index(index, owners)
        self._slices.add_handler(self._changed)

    def of(self, owner: str) -> list[Object]:
        """The slices of an owner that are there to stay; Conflict while our last writes are not among them."""
        existing = [item for item in self._slices.by_index(self._index, owner) if not is_deleting(item)]
        if not self._written.are_seen(owner, existing):
            raise Conflict(f"{owner}: the cache has not seen the last write of its slices")
        return existing

    def forget(self, owner: str) -> None:
        """The owner is gone."""
        self._written.forget(owner)

    async def write(self, owner: str, plan: Plan, *, new: Mapping[str, Any]) -> None:
        """Carry a plan out; `new` is added to the metadata of what is created, which a namespace that ends refuses."""
        self._written.begin(owner)
        for item in plan.delete:
            try:
                await self._client.delete(ENDPOINT_SLICES, name_of(item), namespace=namespace_of(item))
            except NotFound:
                continue
            self._written.deleted(owner, item)
            self._changes.add("delete")
        for item in plan.update:
            self._written.wrote(owner, await self._client.update(ENDPOINT_SLICES, item))
            self._changes.add("update")
        for item in plan.create:
            made = {**item, "metadata": {**item.get("metadata", {}), **new}}
            try:
                created = await self._client.create(ENDPOINT_SLICES, made, namespace=new["namespace"])
            except StatusError as error:
                if is_namespace_terminating(error):
                    return
                raise
            self._written.wrote(owner, created)
            self._changes.add("create")

    def _changed(self, old: Object | None, new: Object | None) -> None:
        for item in (old, new):
            for owner in self._owners(item) if item else ():
                if not self._written.explains(owner, old, new):
                    self._queue.add(owner)
