"""Tell users what became of a pod: events, and the PodScheduled condition, written only where it changes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import condition
from cloudk8s.client.resources import PODS
from cloudk8s.errors import NotFound, StatusError
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_time
from cloudk8s.scheduler.pod.pod import Pod

AT_ONCE = 16
"""Status patches in flight."""

_log = logging.getLogger(__name__)


class Reporter:
    """One task group runs the patches; a later report of the same pod waits for the one before."""

    def __init__(self, client: Client, events: EventRecorder, *, clock: Clock) -> None:
        self._client = client
        self._events = events
        self._clock = clock
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._recorders: dict[str, EventRecorder] = {}

    def scheduled(self, pod: Pod, node: str) -> None:
        """The pod was bound."""
        note = f"Successfully assigned {pod.key} to {node}"
        self._recorder(pod).event(pod.obj, "Normal", "Scheduled", note, action="Binding", resource=PODS)

    def failed(self, pod: Pod, message: str) -> None:
        """The pod found no node, or could not be bound."""
        self._recorder(pod).event(pod.obj, "Warning", "FailedScheduling", message, action="Scheduling", resource=PODS)

    def skipped(self, pod: Pod) -> None:
        """The pod was deleted while it waited, and is kept by a finalizer."""
        self.failed(pod, f"skip schedule deleting pod: {pod.key}")

    def preempted(self, victim: Pod, preemptor: Pod) -> None:
        """A pod was removed to make room."""
        note = f"Preempted by pod {preemptor.uid} on node {victim.node}"
        self._recorder(preemptor).event(
            victim.obj, "Normal", "Preempted", note, action="Preempting", related=preemptor.obj, resource=PODS
        )

    async def unnominated(self, pod: Pod) -> None:
        """The pod's node is not kept for it any more."""
        await self._write(pod, {"metadata": {"uid": pod.uid}, "status": {"nominatedNodeName": None}})

    async def unscheduled(self, pod: Pod, reason: str, message: str, *, nominated: str | None = None) -> None:
        """Write the condition, and with `nominated` the node that is kept for the pod, empty for none."""
        patch = self._patch(pod.obj, reason, message, nominated)
        if patch is not None:
            await self._write(pod, patch)

    async def _write(self, pod: Pod, patch: Object) -> None:
        async with self._slots:
            try:
                await self._client.patch(
                    PODS, pod.name, patch, namespace=pod.namespace, type="strategic", subresource="status"
                )
            except NotFound:
                _log.debug("pod %s has gone", pod.key)
            except (StatusError, OSError) as error:
                _log.warning("pod %s: condition not written: %s", pod.key, error)

    def _patch(self, obj: Object, reason: str, message: str, nominated: str | None) -> Object | None:
        status: dict[str, Any] = {}
        known = condition(obj, "PodScheduled") or {}
        wanted = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
        if any(known.get(name) != value for name, value in wanted.items()):
            if "generation" in obj["metadata"]:
                wanted["observedGeneration"] = obj["metadata"]["generation"]
            if known.get("status") != "False":
                wanted["lastTransitionTime"] = format_time(self._clock.now())
            status["conditions"] = [wanted]
        if nominated is not None and nominated != ((obj.get("status") or {}).get("nominatedNodeName") or ""):
            status["nominatedNodeName"] = nominated or None
        if not status:
            return None
        return {"metadata": {"uid": obj["metadata"].get("uid")}, "status": status}

    def _recorder(self, pod: Pod) -> EventRecorder:
        name = pod.shape.scheduler_name
        if name not in self._recorders:
            self._recorders[name] = self._events.for_component(name)
        return self._recorders[name]
