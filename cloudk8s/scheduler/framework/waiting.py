"""Pods that have a node and wait for a permit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from cloudk8s.machinery.clock import Clock
from cloudk8s.scheduler.interface import Refusal, Wait
from cloudk8s.scheduler.pod.pod import Pod


class WaitingPod:
    """One such pod. It goes on when every plugin that made it wait allows it, and fails when any rejects it."""

    def __init__(self, pod: Pod, node: str, waits: Mapping[str, Wait], clock: Clock) -> None:
        self.pod = pod
        self.node = node
        self._waits = waits
        self._pending = set(waits)
        self._clock = clock
        self._outcome: asyncio.Future[Refusal | None] = asyncio.get_running_loop().create_future()

    @property
    def pending(self) -> frozenset[str]:
        """The plugins whose permit is still missing."""
        return frozenset(self._pending)

    def allow(self, plugin: str) -> None:
        """The plugin lets the pod go."""
        self._pending.discard(plugin)
        if not self._pending:
            self._end(None)

    def reject(self, plugin: str, reason: str) -> None:
        """The plugin refuses; the pod goes back to the queue."""
        self._end(Refusal(reason, plugin=plugin))

    async def outcome(self) -> Refusal | None:
        """None once all have allowed it; else why not."""
        async with asyncio.TaskGroup() as group:
            timers = [group.create_task(self._expire(name, wait)) for name, wait in self._waits.items()]
            found = await asyncio.shield(self._outcome)
            for timer in timers:
                timer.cancel()
        return found

    async def _expire(self, plugin: str, wait: Wait) -> None:
        await self._clock.sleep(wait.timeout.total_seconds())
        if plugin in self._pending:
            seconds = f"{wait.timeout.total_seconds():g}s"
            self.reject(plugin, f"timed out after {seconds} waiting for the permit of {plugin}")

    def _end(self, refusal: Refusal | None) -> None:
        if not self._outcome.done():
            self._outcome.set_result(refusal)


class WaitingPods:
    """All of them, for plugins that allow or reject."""

    def __init__(self) -> None:
        self._pods: dict[str, WaitingPod] = {}

    def __iter__(self) -> Iterator[WaitingPod]:
        return iter(list(self._pods.values()))

    def get(self, key: str) -> WaitingPod | None:
        """One by the pod's key."""
        return self._pods.get(key)

    async def outcome(self, waiting: WaitingPod) -> Refusal | None:
        """Hold the pod until it may go on or not."""
        self._pods[waiting.pod.key] = waiting
        try:
            return await waiting.outcome()
        finally:
            del self._pods[waiting.pod.key]
