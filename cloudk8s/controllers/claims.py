"""Adopt what matches a controller's selector and has no controller; release what no longer matches.

https://github.com/kubernetes/design-proposals-archive/blob/main/api-machinery/controller-ref.md
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Client, Object, Resource
from cloudk8s.client.objects import (
    controller_reference,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from cloudk8s.controllers.pods import BY_CONTROLLER, orphans_in
from cloudk8s.errors import Invalid, NotFound, StatusError
from cloudk8s.machinery.labels import Selector


class CannotAdopt(StatusError):
    """The owner is not what the cache says: it was replaced or is being deleted."""

    code, reason = 409, "Conflict"


@dataclass(slots=True)
class Claim:
    """One owner's claim on objects of one resource, for one reconciliation."""

    client: Client
    owner: Object
    owner_resource: Resource
    resource: Resource
    selector: Selector
    finalizers: Sequence[str] = ()
    """Put on what is adopted."""
    _can_adopt: bool | None = field(default=None)

    async def of(self, informer: Informer, *, only: Callable[[Object], bool] = lambda _: True) -> list[Object]:
        """The objects that belong to the owner after adopting and releasing; from index "controller".

        What `only` is false for is left alone and left out.
        """
        mine: list[Object] = []
        for obj in informer.by_index(BY_CONTROLLER, uid_of(self.owner)):
            if not only(obj):
                continue
            if self.selector.matches(labels_of(obj)):
                mine.append(obj)
            elif not is_deleting(self.owner):
                await self._release(obj)
        orphans = informer.by_index(BY_CONTROLLER, orphans_in(namespace_of(self.owner)))
        return mine + [obj for obj in orphans if only(obj) and await self._takes(obj)]

    async def _takes(self, obj: Object) -> bool:
        """Adopt an orphan that matches; whether it is the owner's now."""
        if not self.selector.matches(labels_of(obj)) or is_deleting(obj) or is_deleting(self.owner):
            return False
        await self._check_owner()
        patch = {
            "metadata": {
                "ownerReferences": [controller_reference(self.owner, self.owner_resource)],
                "uid": uid_of(obj),
            }
        }
        if self.finalizers:
            patch["metadata"]["finalizers"] = list(self.finalizers)
        return await self._patch(obj, patch)

    async def _release(self, obj: Object) -> None:
        gone = {"$patch": "delete", "uid": uid_of(self.owner)}
        patch: Object = {"metadata": {"ownerReferences": [gone], "uid": uid_of(obj)}}
        if self.finalizers:
            patch["metadata"]["$deleteFromPrimitiveList/finalizers"] = list(self.finalizers)
        try:
            await self._patch(obj, patch)
        except Invalid:
            """It has no owner references any more, or it is another object by now."""

    async def _patch(self, obj: Object, patch: Object) -> bool:
        try:
            await self.client.patch(self.resource, name_of(obj), patch, namespace=namespace_of(obj), type="strategic")
        except NotFound:
            return False
        return True

    async def _check_owner(self) -> None:
        """Ask the server, once, whether the owner may still adopt: the cache may not know that it is going."""
        if self._can_adopt:
            return
        name, namespace = name_of(self.owner), namespace_of(self.owner)
        fresh = await self.client.get(self.owner_resource, name, namespace=namespace)
        if uid_of(fresh) != uid_of(self.owner):
            raise CannotAdopt(f"{self.owner_resource.kind} {namespace}/{name} was replaced by another one")
        if is_deleting(fresh):
            raise CannotAdopt(f"{self.owner_resource.kind} {namespace}/{name} is being deleted")
        self._can_adopt = True
