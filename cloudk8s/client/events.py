"""Record what happened to an object as Kubernetes events, without ever holding up or failing the caller.

A controller calls `event`; a correlator drops spam and folds repetition; `run` sends what is left. Controllers write
core/v1 events (count and first/last timestamps, as kube-controller-manager does); with `series=True` they are written
as events.k8s.io/v1 (event time and series, as kube-scheduler does).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Literal

from cloudk8s.client.event_correlator import EventCorrelator, Recorded
from cloudk8s.client.interface import Client, Object, Resource
from cloudk8s.client.objects import object_reference
from cloudk8s.client.resources import CORE_EVENTS, EVENTS
from cloudk8s.errors import NotFound, StatusError
from cloudk8s.machinery.clock import Clock

EventKind = Literal["Normal", "Warning"]
LIMIT = 1000
"""How many events may wait to be sent; more are dropped."""
TRIES = 12

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that a component says of an object."""

    regarding: dict[str, Any]
    type: EventKind
    reason: str
    note: str
    action: str
    related: dict[str, Any] | None
    component: str


class EventRecorder:
    """Events of one component; `for_component` gives the other components of the process their own voice.

    Not guaranteed: that an event arrives. Events are dropped when too many wait, when one object causes more than 25
    and then one every five minutes, and when the server refuses.
    """

    def __init__(
        self, client: Client, component: str, *, clock: Clock, instance: str = "", series: bool = False
    ) -> None:
        self._component = component
        self._sink = _Sink(client, clock=clock, instance=instance, series=series)

    def for_component(self, component: str) -> EventRecorder:
        """A recorder that speaks as `component` over the same queue."""
        other = EventRecorder.__new__(EventRecorder)
        other._component = component
        other._sink = self._sink
        return other

    def event(
        self,
        regarding: Object,
        type: EventKind,
        reason: str,
        note: str,
        *,
        action: str = "",
        related: Object | None = None,
        resource: Resource | None = None,
        field_path: str = "",
    ) -> None:
        """Say that `reason` happened to `regarding`; returns at once. `resource` where the object has no kind.

        `field_path` names the part of the object that is meant, such as `spec.containers{web}`.
        """
        about = object_reference(related) if related else None
        reference = object_reference(regarding, resource) | ({"fieldPath": field_path} if field_path else {})
        self._sink.put(Happening(reference, type, reason, note, action, about, self._component))

    def normal(self, regarding: Object, reason: str, note: str) -> None:
        """`event` of type Normal."""
        self.event(regarding, "Normal", reason, note)

    def warning(self, regarding: Object, reason: str, note: str) -> None:
        """`event` of type Warning."""
        self.event(regarding, "Warning", reason, note)

    async def run(self) -> None:
        """Send events until cancelled; one task for the recorder and all made by `for_component`."""
        await self._sink.run()

    async def flush(self) -> None:
        """Return once everything recorded so far was sent or given up; `run` must be running."""
        await self._sink.flush()


class _Sink:
    def __init__(self, client: Client, *, clock: Clock, instance: str, series: bool) -> None:
        self._client = client
        self._clock = clock
        self._resource = EVENTS if series else CORE_EVENTS
        self._correlator = EventCorrelator(clock=clock, instance=instance, series=series)
        self._queue: asyncio.Queue[Happening] = asyncio.Queue(LIMIT)

    def put(self, happening: Happening) -> None:
        try:
            self._queue.put_nowait(happening)
        except asyncio.QueueFull:
            _log.debug("too many events wait, dropped %s of %s", happening.reason, happening.regarding.get("name"))

    async def run(self) -> None:
        while True:
            happening = await self._queue.get()
            try:
                if (recorded := self._correlator.observe(happening)) is not None:
                    await self._send(recorded)
            finally:
                self._queue.task_done()

    async def flush(self) -> None:
        await self._queue.join()

    async def _send(self, recorded: Recorded) -> None:
        for attempt in range(TRIES):
            try:
                await self._write(recorded)
            except StatusError as error:
                if error.code < 500 and error.code != 429:
                    _log.info("event %s refused: %s", recorded.event["reason"], error)
                    return
                _log.debug("event not written (try %d): %s", attempt, error)
                await self._clock.sleep(10.0)
            else:
                return

    async def _write(self, recorded: Recorded) -> None:
        metadata = recorded.event["metadata"]
        if recorded.patch is not None:
            try:
                await self._client.patch(
                    self._resource, metadata["name"], recorded.patch, namespace=metadata["namespace"], type="strategic"
                )
            except NotFound:
                pass
            else:
                return
        await self._client.create(self._resource, recorded.event, namespace=metadata["namespace"])
