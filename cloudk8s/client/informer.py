"""Shared informers: one watch and one cache for everyone in the process who looks at the same objects.

Events enter through a `Reflector`; they leave as calls of handlers, synchronously and in order, after the cache has
the change. A handler only notes what to look at (adds a key to a queue); it must not block, raise or change objects.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

from cloudk8s.client.cache import IndexFunction, ObjectCache
from cloudk8s.client.interface import Client, Object, Resource, WatchEventType
from cloudk8s.client.objects import key, key_of
from cloudk8s.client.reflector import Reflector, Source
from cloudk8s.machinery.clock import Clock

Handler = Callable[[Object | None, Object | None], None]
"""Called with the old and the new object: old is None for an addition, new is None for a removal."""

_log = logging.getLogger(__name__)


class Informer:
    """What is known about one collection, kept in step with the server. Objects are shared and read-only."""

    def __init__(self, client: Client, source: Source, *, clock: Clock) -> None:
        self.source = source
        self._cache = ObjectCache()
        self._handlers: list[Handler] = []
        self._synced = asyncio.Event()
        self._reflector = Reflector(client, source, self, clock=clock)

    def __len__(self) -> int:
        return len(self._cache)

    def get(self, name: str, namespace: str = "") -> Object | None:
        """One object by its names; None if it is not known."""
        return self._cache.get(key(namespace, name))

    def get_key(self, key: str) -> Object | None:
        """One object by `namespace/name`."""
        return self._cache.get(key)

    def list(self, namespace: str = "") -> Sequence[Object]:
        """All objects, or those of one namespace; a new list in no particular order."""
        return self._cache.list(namespace)

    def keys(self) -> Iterable[str]:
        return self._cache.keys()

    def by_index(self, index: str, value: str) -> Sequence[Object]:
        """The objects that `index` holds under `value`; a new list in no particular order."""
        return self._cache.by_index(index, value)

    def count(self, index: str, value: str) -> int:
        """How many objects `by_index` would return."""
        return self._cache.count(index, value)

    def index_values(self, index: str) -> Iterable[str]:
        """The values that `index` has objects for."""
        return self._cache.index_values(index)

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Make `name` usable in `by_index`; idempotent for one function. "namespace" is always there."""
        self._cache.add_index(name, function)

    def add_handler(self, handler: Handler) -> Callable[[], None]:
        """Call `handler` for every change, and now for every object already known; returns how to stop it."""
        self._handlers.append(handler)
        for obj in self._cache.list():
            _call(handler, None, obj)
        return lambda: self._handlers.remove(handler)

    @property
    def is_synced(self) -> bool:
        """Whether the first full state has been read and handed to all handlers."""
        return self._synced.is_set()

    async def synced(self) -> None:
        """Return once `is_synced`."""
        await self._synced.wait()

    async def run(self) -> None:
        """Follow the collection until cancelled; `Informers` does this."""
        await self._reflector.run()

    def replace(self, objects: Sequence[Object]) -> None:
        """Sink: this is everything; what is missing was deleted while nobody looked."""
        gone = set(self._cache.keys()) - {key_of(obj) for obj in objects}
        for obj in objects:
            self.apply("MODIFIED", obj)
        for name in gone:
            self._removed(name, None)
        self._synced.set()

    def apply(self, type: WatchEventType, obj: Object) -> None:
        """Sink: one change."""
        if type == "DELETED":
            self._removed(key_of(obj), obj)
            return
        obj = _lean(obj)
        old = self._cache.put(obj)
        if old is not None and old["metadata"].get("resourceVersion") == obj["metadata"].get("resourceVersion"):
            return
        for handler in self._handlers:
            _call(handler, old, obj)

    def _removed(self, name: str, last: Object | None) -> None:
        old = self._cache.remove(name)
        if old is None:
            return
        for handler in self._handlers:
            _call(handler, last or old, None)


def _lean(obj: Object) -> Object:
    """Without managed fields, which are a third of a pod's memory and concern no controller.

    A write that lacks them leaves them as they are, so what was read here can be changed and sent back.
    """
    metadata = obj["metadata"]
    if "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}


class Informers:
    """The informers of one process, one for each source; `async with` runs them.

    `of` may be called before (controllers' constructors do) and while they run; a new one then starts at once.
    """

    def __init__(self, client: Client, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._informers: dict[Source, Informer] = {}
        self._running: dict[Source, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    def of(
        self, resource: Resource, *, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> Informer:
        """The informer of a collection; the same one for the same arguments."""
        return self._of(Source(resource, namespace, label_selector, field_selector))

    def drop(self, informer: Informer) -> None:
        """Stop an informer whose resource is gone and forget it; other users of it see it frozen."""
        self._informers.pop(informer.source, None)
        if task := self._running.pop(informer.source, None):
            task.cancel()

    def view(self) -> Informers:
        """The same informers, but `synced` of the view waits only for those that were asked for through it."""
        return _View(self)

    async def synced(self) -> None:
        """Return once every informer known now has synced."""
        for informer in list(self._informers.values()):
            await informer.synced()

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        for source in self._informers:
            self._start(source)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        group, self._group = self._group, None
        for task in self._running.values():
            task.cancel()
        self._running.clear()
        assert group is not None
        await group.__aexit__(kind, error, traceback)

    def _of(self, source: Source) -> Informer:
        if source not in self._informers:
            self._informers[source] = Informer(self._client, source, clock=self._clock)
            if self._group is not None:
                self._start(source)
        return self._informers[source]

    def _start(self, source: Source) -> None:
        assert self._group is not None
        task = self._group.create_task(self._informers[source].run(), name=f"informer {source}")
        self._running[source] = task


class _View(Informers):
    def __init__(self, whole: Informers) -> None:
        super().__init__(whole._client, clock=whole._clock)
        self._whole = whole

    def drop(self, informer: Informer) -> None:
        self._informers.pop(informer.source, None)
        self._whole.drop(informer)

    def _of(self, source: Source) -> Informer:
        self._informers[source] = self._whole._of(source)
        return self._informers[source]


def _call(handler: Handler, old: Object | None, new: Object | None) -> None:
    try:
        handler(old, new)
    except Exception:  # noqa: BLE001 - one controller's mistake must not blind the others
        obj = new or old or {}
        _log.exception("handler %r failed for %s %s", handler, obj.get("kind"), key_of(obj))
