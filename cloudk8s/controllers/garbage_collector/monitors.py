"""One informer for every kind that can be listed, watched and deleted, custom ones included, as kinds come and go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from cloudk8s.client.discovery import Discovery, discover
from cloudk8s.client.informer import Informer, Informers
from cloudk8s.client.interface import Client, Object, Resource
from cloudk8s.client.resources import API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS
from cloudk8s.errors import StatusError
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.tasks import changed_or_slept

PERIOD = 30.0
"""Seconds between looks at discovery when nothing says that it changed."""
PAUSE = 1.0
"""Seconds that changes of definitions are collected."""
SYNC_TIMEOUT = 30.0
IGNORED = frozenset({("", "events"), ("events.k8s.io", "events")})

_log = logging.getLogger(__name__)

Changed = Callable[[Resource, Object | None, Object | None], None]


class Monitors:
    """The informers, by resource; `changed` is called for every change of every object."""

    def __init__(self, client: Client, informers: Informers, changed: Changed, *, clock: Clock) -> None:
        self._client = client
        self._informers = informers
        self._changed = changed
        self._clock = clock
        self._monitored: dict[Resource, Informer] = {}
        self._by_kind: Mapping[tuple[str, str], Resource] = {}
        self._definitions = asyncio.Event()
        for resource in (CUSTOM_RESOURCE_DEFINITIONS, API_SERVICES):
            informers.of(resource).add_handler(lambda *_: self._definitions.set())

    def items(self) -> Iterable[tuple[Resource, Informer]]:
        return self._monitored.items()

    def get(self, resource: Resource) -> Informer | None:
        return self._monitored.get(resource)

    def resource_of(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind in exactly this version; None if it is not served (any more)."""
        return self._by_kind.get((api_version, kind))

    def monitored(self, resource: Resource) -> tuple[Resource, Informer] | None:
        """The informer of the resource, maybe in another version."""
        if (found := self._monitored.get(resource)) is not None:
            return resource, found
        for other, informer in self._monitored.items():
            if (other.group, other.plural) == (resource.group, resource.plural):
                return other, informer
        return None

    async def run(self) -> None:
        """Follow discovery until cancelled; reacts within a second where a definition changes."""
        while True:
            self._definitions.clear()
            await self._refresh()
            await self._wait()

    async def synced(self) -> None:
        """Return when all informers have synced, or after half a minute: one broken kind must not stop everything."""
        waiting = [informer for _, informer in self.items() if not informer.is_synced]
        if not waiting:
            return
        sync = asyncio.ensure_future(_all_synced(waiting))
        timeout = asyncio.ensure_future(self._clock.sleep(SYNC_TIMEOUT))
        try:
            await asyncio.wait((sync, timeout), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sync.cancel()
            timeout.cancel()

    async def refreshed(self) -> None:
        """Ask discovery now."""
        await self._refresh()

    async def _wait(self) -> None:
        await changed_or_slept(self._definitions, self._clock, PERIOD)
        if self._definitions.is_set():
            await self._clock.sleep(PAUSE)

    async def _refresh(self) -> None:
        try:
            found = await discover(self._client)
        except (StatusError, OSError) as error:
            _log.warning("discovery failed, going on with what is known: %s", error)
            return
        self._update(found)

    def _update(self, found: Discovery) -> None:
        kept = {kind: resource for kind, resource in self._by_kind.items() if resource.group in found.failed}
        self._by_kind = kept | dict(found.by_kind())
        wanted = {served.resource for served in found.preferred() if served.can("list", "watch", "delete")}
        wanted = {resource for resource in wanted if (resource.group, resource.plural) not in IGNORED}
        for resource in wanted - self._monitored.keys():
            self._start(resource)
        for resource in self._monitored.keys() - wanted:
            if resource.group not in found.failed:
                self._informers.drop(self._monitored.pop(resource))

    def _start(self, resource: Resource) -> None:
        informer = self._informers.of(resource)
        self._monitored[resource] = informer
        informer.add_index("owner", owners_of)
        informer.add_handler(lambda old, new: self._changed(resource, old, new))


def owners_of(obj: Object) -> Iterable[str]:
    """Index function: the UIDs of all owners."""
    references = obj["metadata"].get("ownerReferences")
    return [reference["uid"] for reference in references] if references else ()


async def _all_synced(informers: Iterable[Informer]) -> None:
    for informer in informers:
        await informer.synced()
