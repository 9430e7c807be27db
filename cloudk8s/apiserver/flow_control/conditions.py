"""Says in each FlowSchema's status whether its priority level is there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.bootstrap import flow_control
from cloudk8s.apiserver.bootstrap.writer import Writer
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.flow_control.control import LEVELS, PREFIX, SCHEMAS
from cloudk8s.errors import StatusError
from cloudk8s.machinery.times import format_time
from cloudk8s.storage.interface import Event, Subscription

_log = logging.getLogger(__name__)


class FlowSchemaConditions:
    """Keeps the condition `Dangling` of every FlowSchema, from entering to leaving."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._writer = Writer(core, flow_control.CONSUMER)
        self._changed = asyncio.Event()
        self._subscription: Subscription | None = None
        self._worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> FlowSchemaConditions:
        if not self._core.registry.versions_of(flow_control.GROUP, SCHEMAS):
            return self
        self._subscription = self._core.store.watch(PREFIX, self._deliver)
        self._changed.set()
        self._worker = asyncio.create_task(self._work(), name="flow-schema-conditions")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._subscription is not None:
            self._subscription.close()
        if self._worker is not None:
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker

    def _deliver(self, events: Sequence[Event]) -> None:
        self._changed.set()

    async def _work(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            levels = {one["metadata"]["name"] for one in self._core.all(flow_control.GROUP, LEVELS)}
            for schema in list(self._core.all(flow_control.GROUP, SCHEMAS)):
                await self._settle(schema, levels)

    async def _settle(self, schema: Object, levels: set[str]) -> None:
        wanted = flow_control.dangling(schema, levels, format_time(self._core.clock.now()))
        if flow_control.with_condition(schema, wanted) is schema:
            return
        try:
            await self._writer.change(schema, lambda live: flow_control.with_condition(live, wanted), "status")
        except StatusError as error:
            _log.info("flow schema %s: %s", schema["metadata"]["name"], error)
