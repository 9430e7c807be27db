"""The garbage collector. https://kubernetes.io/docs/concepts/architecture/garbage-collection/

An object is looked at when one of its owners goes, or starts to wait for it, or when it appears with an owner that
nobody knows: then again and again, until the owner is seen or known to be gone. Every decision is made on the state
of that moment, and guarded by UID and resource version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from cloudk8s.client.interface import DeleteOptions, Object, PropagationPolicy, Resource
from cloudk8s.client.objects import (
    finalizers_of,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    owner_references_of,
    resource_version_of,
    uid_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.controllers.batches import all_of
from cloudk8s.controllers.garbage_collector.graph import (
    FOREGROUND,
    ORPHAN,
    Graph,
    Reference,
    waits_for_dependents,
    waits_for_orphans,
)
from cloudk8s.controllers.garbage_collector.monitors import Monitors
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import NotFound


class Item(NamedTuple):
    """An object to look at."""

    resource: Resource
    key: str


class Unseen(NotFound):
    """An owner is not among what is watched, or not yet: the object is looked at again, later each time."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(f"owner {reference['kind']} {reference['name']} was not seen yet")


class GarbageCollector:
    """Two queues, as upstream has: objects that may have to go, and owners whose dependents are to be let go."""

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._options = context.options
        self._to_delete: WorkQueue[Item] = WorkQueue(
            "garbage_collector_attempt_to_delete", clock=context.clock, instruments=context.instruments
        )
        self._to_orphan: WorkQueue[Item] = WorkQueue(
            "garbage_collector_attempt_to_orphan", clock=context.clock, instruments=context.instruments
        )
        self._monitors = Monitors(context.client, context.informers, self._changed, clock=context.clock)
        self._graph = Graph(context.client, self._monitors)
        self._events = context.events.for_component("garbage-collector-controller")

    async def run(self) -> None:
        if not self._options.enable_garbage_collector:
            await asyncio.Event().wait()
        await self._monitors.refreshed()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._monitors.run(), name="garbage collector, discovery")
            group.create_task(run_workers(self._to_delete, self._options.concurrent_gc_syncs, self._attempt_to_delete))
            group.create_task(run_workers(self._to_orphan, self._options.concurrent_gc_syncs, self._attempt_to_orphan))

    # What happens

    def _changed(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._removed(old)
        elif old is None:
            self._added(resource, new)
        else:
            self._updated(resource, old, new)

    def _added(self, resource: Resource, obj: Object) -> None:
        item = Item(resource, key_of(obj))
        if is_deleting(obj):
            self._deletion_began(item, obj)
        references = obj["metadata"].get("ownerReferences")
        if references and any(self._graph.cached_owner(obj, reference) is None for reference in references):
            self._to_delete.add(item)

    def _updated(self, resource: Resource, old: Object, new: Object) -> None:
        if uid_of(old) != uid_of(new):
            self._removed(old)
            self._added(resource, new)
            return
        item = Item(resource, key_of(new))
        if is_deleting(new) and (not is_deleting(old) or finalizers_of(old) != finalizers_of(new)):
            self._deletion_began(item, new)
        if owner_references_of(old) != owner_references_of(new):
            self._enqueue_waiting_owners(old)
            self._to_delete.add(item)

    def _removed(self, obj: Object) -> None:
        self._graph.removed(uid_of(obj))
        self._enqueue_dependents(obj)
        self._enqueue_waiting_owners(obj)

    def _deletion_began(self, item: Item, obj: Object) -> None:
        if waits_for_orphans(obj):
            self._to_orphan.add(item)
        elif waits_for_dependents(obj):
            self._enqueue_dependents(obj)
            self._to_delete.add(item)

    def _enqueue_dependents(self, owner: Object) -> None:
        for resource, obj in self._graph.dependents(uid_of(owner)):
            self._to_delete.add(Item(resource, key_of(obj)))

    def _enqueue_waiting_owners(self, obj: Object) -> None:
        """One thing less that blocks them."""
        for reference in owner_references_of(obj):
            owner = self._graph.cached_owner(obj, reference)
            if owner is not None and waits_for_dependents(owner[1]):
                self._to_delete.add(Item(owner[0], key_of(owner[1])))

    # What is done about it

    async def _attempt_to_delete(self, item: Item) -> timedelta | None:
        await self._monitors.synced()
        obj = self._current(item)
        if obj is None:
            return None
        if waits_for_dependents(obj):
            await self._finish_foreground(item.resource, obj)
            return None
        if is_deleting(obj) or not owner_references_of(obj):
            return None
        owners = await self._graph.owners(obj)
        for reference in owners.misplaced:
            self._warn(item.resource, obj, reference)
        if owners.solid:
            if gone := [reference["uid"] for reference in (*owners.absent, *owners.waiting)]:
                await self._drop_references(item.resource, obj, set(gone))
            if owners.unseen:
                raise Unseen(owners.unseen[0])
        elif owners.waiting and self._graph.dependents(uid_of(obj)):
            await self._unblock_if_circular(item.resource, obj)
            await self._delete(item.resource, obj, "Foreground")
        else:
            await self._delete(item.resource, obj, _policy(obj))
        return None

    def _warn(self, resource: Resource, obj: Object, reference: Reference) -> None:
        """Nobody can own across namespaces: say so to whoever wrote the reference."""
        kind, name, uid = f"{reference['apiVersion']}/{reference['kind']}", reference["name"], reference["uid"]
        owner = f"[{kind}, namespace: {namespace_of(obj)}, name: {name}, uid: {uid}]"
        message = f'ownerRef {owner} does not exist in namespace "{namespace_of(obj)}"'
        self._events.event(obj, "Warning", "OwnerRefInvalidNamespace", message, resource=resource)

    def _current(self, item: Item) -> Object | None:
        informer = self._monitors.get(item.resource)
        return informer.get_key(item.key) if informer else None

    async def _finish_foreground(self, resource: Resource, owner: Object) -> None:
        """Let the owner go once nothing blocks it; else see that what blocks it goes."""
        blocking = self._graph.blocking(uid_of(owner))
        if not blocking:
            await self._remove_finalizer(resource, owner, FOREGROUND)
            return
        for kind, obj in blocking:
            if not waits_for_dependents(obj):
                self._to_delete.add(Item(kind, key_of(obj)))

    async def _attempt_to_orphan(self, item: Item) -> timedelta | None:
        """Take the owner's references off its dependents, then let the owner go."""
        await self._monitors.synced()
        owner = self._current(item)
        if owner is None or not waits_for_orphans(owner):
            return None
        uid = uid_of(owner)

        async def release(dependent: tuple[Resource, Object]) -> None:
            await self._drop_references(*dependent, {uid})

        if failed := await all_of(self._graph.dependents(uid), release):
            raise failed[0]
        await self._remove_finalizer(item.resource, owner, ORPHAN)
        return None

    async def _unblock_if_circular(self, resource: Resource, obj: Object) -> None:
        """A dependent that is itself waiting means a circle: stop blocking, or everybody would wait for everybody."""
        dependents = self._graph.dependents(uid_of(obj))
        if not any(waits_for_dependents(dependent) for _, dependent in dependents):
            return
        references = [{**reference, "blockOwnerDeletion": False} for reference in owner_references_of(obj)]
        await self._patch(resource, obj, {"ownerReferences": references}, is_guarded=False)

    async def _drop_references(self, resource: Resource, obj: Object, uids: set[str]) -> None:
        references = [reference for reference in owner_references_of(obj) if reference["uid"] not in uids]
        await self._patch(resource, obj, {"ownerReferences": references or None})

    async def _remove_finalizer(self, resource: Resource, obj: Object, finalizer: str) -> None:
        left = [name for name in finalizers_of(obj) if name != finalizer]
        await self._patch(resource, obj, {"finalizers": left or None})

    async def _patch(
        self, resource: Resource, obj: Object, metadata: Mapping[str, Any], *, is_guarded: bool = True
    ) -> None:
        """Change metadata of exactly this object in exactly this version; a conflict tries again with the next one."""
        guard = {"uid": uid_of(obj)}
        if is_guarded:
            guard["resourceVersion"] = resource_version_of(obj)
        patch = {"metadata": {**guard, **metadata}}
        try:
            await self._client.patch(resource, name_of(obj), patch, namespace=namespace_of(obj))
        except NotFound:
            return

    async def _delete(self, resource: Resource, obj: Object, policy: PropagationPolicy) -> None:
        """Delete exactly this object. The version guards against owners that were added meanwhile.

        Where the circle was just broken the version is ours to ignore: only its references were changed.
        """
        version = "" if policy == "Foreground" else resource_version_of(obj)
        options = DeleteOptions(propagation_policy=policy, uid=uid_of(obj), resource_version=version)
        try:
            await self._client.delete(resource, name_of(obj), namespace=namespace_of(obj), options=options)
        except NotFound:
            return


def _policy(obj: Object) -> PropagationPolicy:
    """What an earlier delete of the object asked for, by its finalizers."""
    finalizers = finalizers_of(obj)
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"
