"""Keep something in step with a collection: list once, then watch, and come back after every kind of loss.

Data enters as watch events (a watch-list where the server has it, else a list and a watch) and leaves as calls of a
`Sink`: `replace` with everything, then `apply` for each change.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from cloudk8s.client.backoff import Backoff
from cloudk8s.client.interface import Client, ListOptions, Object, Resource, WatchEvent, WatchEventType
from cloudk8s.client.objects import annotations_of, resource_version_of
from cloudk8s.errors import BadRequest, Expired, Forbidden, Gone, Invalid, NotFound, StatusError, status_error
from cloudk8s.machinery.clock import Clock

INITIAL_EVENTS_END = "k8s.io/initial-events-end"
PAGE = 500
SHORT_WATCH = 1.0
"""Seconds below which a watch that brought nothing counts as a failure."""

_log = logging.getLogger(__name__)


class Sink(Protocol):
    """Where a reflector puts what it sees."""

    def replace(self, objects: Sequence[Object]) -> None:
        """This is everything there is."""

    def apply(self, type: WatchEventType, obj: Object) -> None:
        """One ADDED, MODIFIED or DELETED object."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is watched."""

    resource: Resource
    namespace: str = ""
    label_selector: str = ""
    field_selector: str = ""

    def __str__(self) -> str:
        parts = (
            self.resource.plural,
            self.resource.api_version,
            self.namespace,
            self.label_selector,
            self.field_selector,
        )
        return " ".join(part for part in parts if part)


class Reflector:
    """One source, one sink. `run` returns only by cancellation."""

    def __init__(
        self, client: Client, source: Source, sink: Sink, *, clock: Clock, backoff: Backoff | None = None
    ) -> None:
        self._client = client
        self._source = source
        self._sink = sink
        self._clock = clock
        self._backoff = backoff or Backoff(clock)
        self._options = ListOptions(label_selector=source.label_selector, field_selector=source.field_selector)
        self._version = ""
        """Where to resume from; empty when everything has to be read again."""
        self._can_watch_list = True
        self._has_read = False
        self._is_absent = False
        """Whether the server was last found not to have the resource, which is said once."""
        self._from_cache = True

    async def run(self) -> None:
        while True:
            try:
                await self._once()
            except (Expired, Gone):
                _log.info("watch of %s expired, listing again", self._source)
                self._from_cache = bool(self._version)
                self._version = ""
                await self._clock.sleep(self._backoff.next() if not self._from_cache else 0)
            except (StatusError, OSError) as error:
                if await self._is_about_absence(error):
                    self._not_served(error)
                else:
                    _log.warning("watch of %s failed: %s", self._source, error)
                await self._clock.sleep(self._backoff.next())

    async def _is_about_absence(self, error: Exception) -> bool:
        """Whether there is nothing to be watched: who may not have it is refused before that is noticed."""
        if not isinstance(error, Forbidden) or (self._has_read and not self._is_absent):
            return isinstance(error, NotFound)
        group_version, _, plural = self._source.resource.path().rpartition("/")
        try:
            found = await self._client.request("GET", group_version)
        except (StatusError, OSError) as unknown:
            return isinstance(unknown, NotFound)
        return all(each["name"] != plural for each in found.get("resources") or ())

    def _not_served(self, error: Exception) -> None:
        """The server is older, or the resource is a custom one that is not there yet, or not any more."""
        level = logging.DEBUG if self._is_absent else logging.WARNING
        _log.log(level, "watch of %s failed, trying again until it is served: %s", self._source, error)
        if not self._has_read:
            self._read([])
        self._is_absent = True

    def _read(self, objects: Sequence[Object]) -> None:
        """Hand on everything there is. A resource that the server has never known, for it is older, has no objects."""
        self._has_read, self._is_absent = True, False
        self._sink.replace(objects)

    async def _once(self) -> None:
        if self._version:
            await self._watch()
        elif self._can_watch_list:
            await self._watch_list()
        else:
            await self._list()
            await self._watch()

    async def _watch_list(self) -> None:
        options = replace(self._options, match="NotOlderThan")
        try:
            await self._stream(options, send_initial_events=True)
        except (BadRequest, Invalid) as error:
            if self._version:
                raise
            _log.info("%s: the server has no watch-list (%s), listing instead", self._source, error)
            self._can_watch_list = False

    async def _list(self) -> None:
        items: list[Object] = []
        options = (
            replace(self._options, resource_version="0") if self._from_cache else replace(self._options, limit=PAGE)
        )
        while True:
            page = await self._client.list(self._source.resource, namespace=self._source.namespace, options=options)
            items.extend(page.items)
            if not page.continue_token:
                break
            options = replace(self._options, limit=PAGE, continue_token=page.continue_token)
        self._read(items)
        self._version = page.resource_version

    async def _watch(self) -> None:
        await self._stream(replace(self._options, resource_version=self._version), send_initial_events=False)

    async def _stream(self, options: ListOptions, *, send_initial_events: bool) -> None:
        started = self._clock.monotonic()
        watch = self._client.watch(
            self._source.resource,
            namespace=self._source.namespace,
            options=options,
            send_initial_events=send_initial_events,
        )
        async with watch as events:
            if send_initial_events and not await self._initial(events):
                return
            seen = await self._follow(events)
        if not seen and self._clock.monotonic() - started < SHORT_WATCH:
            await self._clock.sleep(self._backoff.next())

    async def _initial(self, events: AsyncIterator[WatchEvent]) -> bool:
        """Collect the synthetic ADDED events up to the bookmark; False when the watch ended before it."""
        objects: dict[tuple[str, str], Object] = {}
        async for event in events:
            if event.type == "ERROR":
                raise status_error(event.object)
            if event.type == "BOOKMARK":
                if annotations_of(event.object).get(INITIAL_EVENTS_END) == "true":
                    self._read(list(objects.values()))
                    self._version = resource_version_of(event.object)
                    return True
                continue
            metadata = event.object["metadata"]
            at = (metadata.get("namespace", ""), metadata["name"])
            if event.type == "DELETED":
                objects.pop(at, None)
            else:
                objects[at] = event.object
        return False

    async def _follow(self, events: AsyncIterator[WatchEvent]) -> bool:
        """Apply events until the watch ends; whether there were any."""
        seen = False
        apply = self._sink.apply
        async for event in events:
            if event.type == "ERROR":
                raise status_error(event.object)
            if event.type != "BOOKMARK":
                apply(event.type, event.object)
            self._version = event.object["metadata"]["resourceVersion"]
            if not seen:
                seen = True
                self._backoff.reset()
        return seen
