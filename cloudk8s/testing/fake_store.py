"""The objects of a `FakeClient`, with revisions, history and watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from cloudk8s.client.interface import ListOptions, Object, Resource, WatchEvent, WatchEventType
from cloudk8s.client.objects import key_of
from cloudk8s.errors import Expired
from cloudk8s.testing.fake_selection import is_selected
from cloudk8s.testing.fake_writes import is_finished

Kind = tuple[str, str]
"""Group and plural; versions of one resource share their objects."""


@dataclass(frozen=True, slots=True)
class _Change:
    version: int
    kind: Kind
    type: WatchEventType
    object: Object
    previous: Object | None


class OpenWatch:
    """What is still to be delivered; `end` is the end of it."""

    def __init__(self, kind: Kind, namespace: str, options: ListOptions) -> None:
        self.kind = kind
        self.namespace = namespace
        self.options = options
        self._queue: asyncio.Queue[WatchEvent | None] = asyncio.Queue()

    def put(self, event: WatchEvent) -> None:
        self._queue.put_nowait(event)

    def end(self) -> None:
        self._queue.put_nowait(None)

    def offer(self, change: _Change) -> None:
        """Deliver a change as this watch's selectors see it."""
        if change.kind != self.kind:
            return
        now = change.type != "DELETED" and self.selects(change.object)
        before = change.previous is not None and self.selects(change.previous)
        if now:
            self.put(WatchEvent("MODIFIED" if before else "ADDED", change.object))
        elif before:
            self.put(WatchEvent("DELETED", change.object))

    def selects(self, obj: Object) -> bool:
        return is_selected(obj, self.namespace, self.options)

    async def events(self) -> AsyncIterator[WatchEvent]:
        while (event := await self._queue.get()) is not None:
            yield event


class FakeStore:
    """Every change makes one revision, and everybody who watches sees it."""

    def __init__(self) -> None:
        self.version = 1
        self.oldest = 1
        """Watches and pages from before answer 410."""
        self.observers: list[Callable[[], None]] = []
        self._objects: dict[Kind, dict[str, Object]] = {}
        self._history: list[_Change] = []
        self._watches: list[OpenWatch] = []

    def held(self, resource: Resource) -> dict[str, Object]:
        """The objects of a resource by key."""
        return self._objects.setdefault(_kind(resource), {})

    def put(self, resource: Resource, new: Object, old: Object | None) -> Object:
        """Store an object; one on its way out that nothing holds any more is removed instead."""
        if old is not None and is_finished(new, resource):
            return self.remove(resource, new)
        self.version += 1
        new["metadata"]["resourceVersion"] = str(self.version)
        self.held(resource)[key_of(new)] = new
        self._publish(_Change(self.version, _kind(resource), "MODIFIED" if old else "ADDED", new, old))
        return new

    def remove(self, resource: Resource, obj: Object) -> Object:
        """Take an object away; returns it as it was last."""
        old = self.held(resource).pop(key_of(obj))
        self.version += 1
        last = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        self._publish(_Change(self.version, _kind(resource), "DELETED", last, old))
        return last

    def compact(self) -> None:
        self.oldest = self.version
        self._history.clear()

    def open(self, resource: Resource, namespace: str, options: ListOptions, *, with_initial: bool) -> OpenWatch:
        """A watch that has what it missed; `close` must follow."""
        watch = OpenWatch(_kind(resource), namespace, options)
        self._replay(watch, with_initial)
        self._watches.append(watch)
        return watch

    def close(self, watch: OpenWatch) -> None:
        self._watches.remove(watch)

    def end_watches(self) -> None:
        for watch in list(self._watches):
            watch.end()

    def _publish(self, change: _Change) -> None:
        self._history.append(change)
        for watch in self._watches:
            watch.offer(change)
        for observer in self.observers:
            observer()

    def _replay(self, watch: OpenWatch, with_initial: bool) -> None:
        version = watch.options.resource_version
        if with_initial or version in ("", "0"):
            held = self._objects.get(watch.kind, {})
            for obj in [held[k] for k in sorted(held)]:
                if watch.selects(obj):
                    watch.put(WatchEvent("ADDED", obj))
            if with_initial:
                annotations = {"k8s.io/initial-events-end": "true"}
                end = {"metadata": {"resourceVersion": str(self.version), "annotations": annotations}}
                watch.put(WatchEvent("BOOKMARK", end))
            return
        if int(version) < self.oldest:
            raise Expired(f"too old resource version: {version} ({self.oldest})")
        for change in self._history:
            if change.version > int(version):
                watch.offer(change)


def _kind(resource: Resource) -> Kind:
    return resource.group, resource.plural
