"""End a pod: kill what runs of it within its grace, and try again until nothing does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from cloudk8s.node.pods import kill
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.portrait import Portrait
from cloudk8s.node.pods.progress import report_failure
from cloudk8s.node.pods.tools import Tools

_RETRY = 1.0


class Ending:
    """Ends one pod; a shorter `grace` that comes meanwhile takes effect. `on_change` asks for another look."""

    def __init__(
        self, tools: Tools, portrait: Portrait, *, grace: Callable[[], timedelta], on_change: Callable[[], None]
    ) -> None:
        self._tools, self._portrait, self._wanted, self._on_change = tools, portrait, grace, on_change
        self._task: asyncio.Task[None] | None = None
        self._grace: timedelta | None = None

    async def run(self, rest: Callable[[], Awaitable[None]]) -> None:
        """Return when nothing of the pod runs; `rest` waits for the next look."""
        while not await self._turn():
            await rest()
        if self._task is not None:
            self._has_failed(self._task)

    async def _turn(self) -> bool:
        """One look; True where all has ended."""
        await self._portrait.look()
        self._portrait.show()
        is_idle = self._task is None or self._task.done()
        if self._portrait.observed.is_stopped and is_idle:
            return True
        wanted = self._wanted()
        if is_idle or (self._grace is not None and wanted < self._grace):
            await self._kill(wanted)
        return False

    async def _kill(self, grace: timedelta) -> None:
        pod, observed = self._portrait.pod, self._portrait.observed
        if self._task is not None:
            if self._has_failed(self._task):
                await self._tools.clock.sleep(_RETRY)
            self._task.cancel()
        self._grace = grace
        work = kill.kill_pod(self._tools, pod, observed, grace=grace, pod_ip=self._portrait.pod_ip)
        self._task = asyncio.create_task(work, name=f"end of {pods.full_name(pod)}")
        self._task.add_done_callback(lambda _: self._on_change())

    def _has_failed(self, task: asyncio.Task[None]) -> bool:
        pod = self._portrait.pod
        return report_failure(self._tools, pod, task, reason="FailedKillPod", words="error killing pod")
