"""A `Client` with a bad line to its server and a process that may die: for tests of what must survive both.

It wraps any client. Writes are refused, conflict or lose their answer; watches lag and break; after a number of writes
the process is dead, which is what a crash between two writes looks like from inside: nothing returns any more.
Everything random comes from a seed, and time is the clock's.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import (
    Client,
    DeleteOptions,
    ListOptions,
    Object,
    ObjectList,
    PatchType,
    Resource,
    WatchEvent,
)
from cloudk8s.errors import Conflict, ServiceUnavailable
from cloudk8s.machinery.clock import Clock


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the line is; shares are of all requests, 0 to 1."""

    refused: float = 0.0
    """Writes that the server never sees."""
    conflicts: float = 0.0
    """Updates that are told of a conflict."""
    lost: float = 0.0
    """Updates and patches that take effect although the caller hears of a failure."""
    broken_watches: float = 0.0
    """Chance of each watch event to be the last of its connection."""
    lag: float = 0.0
    """Seconds that a watch event is late at most; the order stays."""
    crash_after: int = 0
    """Writes after which the process is dead; 0 is never."""


class UnreliableClient:
    """See `interface.Client`, and the module."""

    def __init__(self, inner: Client, weather: Weather, *, clock: Clock, seed: int = 0) -> None:
        self._inner = inner
        self._weather = weather
        self._clock = clock
        self._random = random.Random(seed)
        self._writes = 0
        self.crashed = asyncio.Event()

    async def get(self, resource: Resource, name: str, *, namespace: str = "", subresource: str = "") -> Object:
        await self._alive()
        return await self._inner.get(resource, name, namespace=namespace, subresource=subresource)

    async def list(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions()
    ) -> ObjectList:
        await self._alive()
        return await self._inner.list(resource, namespace=namespace, options=options)

    async def create(
        self, resource: Resource, obj: Object, *, namespace: str = "", name: str = "", subresource: str = "",
        dry_run: bool = False,
    ) -> Object:  # fmt: skip
        await self._before()
        made = await self._inner.create(
            resource, obj, namespace=namespace, name=name, subresource=subresource, dry_run=dry_run
        )
        await self._after()
        return made

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        await self._before()
        if self._happens(self._weather.conflicts):
            raise Conflict(f'Operation cannot be fulfilled on {resource.plural} "{obj["metadata"]["name"]}"')
        written = await self._inner.update(resource, obj, subresource=subresource, dry_run=dry_run)
        await self._after(may_lose=True)
        return written

    async def patch(
        self, resource: Resource, name: str, patch: Any, *, namespace: str = "", type: PatchType = "merge",
        subresource: str = "", field_manager: str = "", force: bool = False, dry_run: bool = False,
    ) -> Object:  # fmt: skip
        await self._before()
        written = await self._inner.patch(
            resource, name, patch, namespace=namespace, type=type, subresource=subresource,
            field_manager=field_manager, force=force, dry_run=dry_run,
        )  # fmt: skip
        await self._after(may_lose=True)
        return written

    async def delete(
        self, resource: Resource, name: str, *, namespace: str = "", options: DeleteOptions = DeleteOptions()
    ) -> Object:
        await self._before()
        deleted = await self._inner.delete(resource, name, namespace=namespace, options=options)
        await self._after()
        return deleted

    async def delete_collection(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        delete: DeleteOptions = DeleteOptions(),
    ) -> None:  # fmt: skip
        await self._before()
        await self._inner.delete_collection(resource, namespace=namespace, options=options, delete=delete)
        await self._after()

    @asynccontextmanager
    async def watch(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        send_initial_events: bool = False,
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:  # fmt: skip
        await self._alive()
        watch = self._inner.watch(
            resource, namespace=namespace, options=options, send_initial_events=send_initial_events
        )
        async with watch as events:
            yield self._late(events)

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        await self._alive()
        return await self._inner.request(method, path, query=query, body=body, headers=headers)

    async def close(self) -> None:
        """The wrapped client goes on: others use it."""

    async def _late(self, events: AsyncIterator[WatchEvent]) -> AsyncIterator[WatchEvent]:
        async for event in events:
            if self._happens(self._weather.broken_watches):
                return
            if self._weather.lag:
                await self._clock.sleep(self._random.random() * self._weather.lag)
            await self._alive()
            yield event

    async def _before(self) -> None:
        await self._alive()
        if self._happens(self._weather.refused):
            raise ServiceUnavailable("the server is currently unable to handle the request")

    async def _after(self, *, may_lose: bool = False) -> None:
        self._writes += 1
        if self._writes == self._weather.crash_after:
            self.crashed.set()
        await self._alive()
        if may_lose and self._happens(self._weather.lost):
            raise ServiceUnavailable("the connection was lost before the answer came")

    async def _alive(self) -> None:
        """Never return once the process is dead."""
        if self.crashed.is_set():
            await asyncio.get_running_loop().create_future()

    def _happens(self, share: float) -> bool:
        return share > 0 and self._random.random() < share
