"""The work that a pod needs next, in the background: one task at a time, planned from the latest look."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from cloudk8s.client.interface import Object
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.memory import PodMemory
from cloudk8s.node.pods.plan import plan
from cloudk8s.node.pods.portrait import Portrait
from cloudk8s.node.pods.sizing import Sizing
from cloudk8s.node.pods.sync import PodSync
from cloudk8s.node.pods.tools import Tools

_log = logging.getLogger(__name__)


class Progress:
    """Carries a pod on towards its spec. `on_done` is called when a task has ended and the pod is to be looked at."""

    def __init__(
        self, tools: Tools, portrait: Portrait, memory: PodMemory, sizing: Sizing, *, on_done: Callable[[], None]
    ) -> None:
        self._tools, self._portrait, self._sizing, self._on_done = tools, portrait, sizing, on_done
        self._sync = PodSync(tools, memory)
        self._task: asyncio.Task[None] | None = None
        self.refreshes_volumes = False
        """Volumes may show something else than they should; they are brought up to date when nothing else is to do."""

    def go_on(self) -> None:
        """Begin what is to be done next, unless something is under way."""
        if self._task is not None:
            if not self._task.done():
                return
            report_failure(self._tools, self._portrait.pod, self._task)
        pod, observed = self._portrait.pod, self._portrait.observed
        steps = self._sync.due(plan(pod, observed, self._portrait.probe_results))
        if not steps.is_idle:
            work = self._sync.run(pod, observed, steps)
        elif self._sizing.steps and self._sync.may_resize():
            work = self._sync.resize(pod, observed, self._sizing.steps)
        elif self.refreshes_volumes and observed.ready_sandbox is not None:
            self.refreshes_volumes = False
            work = self._sync.refresh_volumes(pod)
        else:
            return
        self._task = asyncio.create_task(work, name=f"sync of {pods.full_name(pod)}")
        self._task.add_done_callback(lambda _: self._on_done())

    async def stop(self) -> None:
        """Leave off; what the runtime does already is finished."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def report_failure(
    tools: Tools, pod: Object, task: asyncio.Task[None], *, reason: str = "FailedSync",
    words: str = "Error syncing pod, skipping",
) -> bool:  # fmt: skip
    """Say that a task failed, if it did."""
    if task.done() and not task.cancelled() and (error := task.exception()) is not None:
        _log.error("pod %s: %s", pods.full_name(pod), error, exc_info=error)
        tools.pod_event(pod, "Warning", reason, f"{words}: {error}")
        return True
    return False
