"""One pod's worker: look, show, plan, do; then end it, clean up, and confirm its end to the API.

A pod goes through `live` (running it), `end` (killing it: deleted, over, or condemned), and `linger` (over but still in
the API, so that its logs can be read) to `forget`. What happens meanwhile is in the runtime; the worker looks again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, uid_of
from cloudk8s.machinery.times import parse_time
from cloudk8s.node.cluster.pod_status import PodStatusWriter
from cloudk8s.node.devices.manager import AllocationFailed
from cloudk8s.node.pods import cleanup
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.ending import Ending
from cloudk8s.node.pods.memory import PodMemory
from cloudk8s.node.pods.observed import Observed
from cloudk8s.node.pods.portrait import Portrait
from cloudk8s.node.pods.progress import Progress
from cloudk8s.node.pods.sizing import Sizing
from cloudk8s.node.pods.status.inputs import Terminal
from cloudk8s.node.pods.tools import Tools
from cloudk8s.node.waiting import wait_for

_DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"

_log = logging.getLogger(__name__)


class PodWorker:
    """Runs one pod until it is gone."""

    def __init__(
        self, tools: Tools, pod: Object, writer: PodStatusWriter, *, others: Callable[[], Sequence[Object]],
        rejection: Terminal | None = None,
    ) -> None:  # fmt: skip
        self._tools, self._writer, self._rejection = tools, writer, rejection
        self._memory = PodMemory()
        self._portrait = Portrait(tools, pod, self._memory, writer, on_change=self.wake)
        self._sizing = Sizing(tools, self._memory, others=others)
        self.is_removed = False
        """The pod is no longer in the API."""
        self.has_ended = False
        """Nothing of it runs any more, and the API knows."""
        self._eviction: Terminal | None = None
        self._eviction_grace: timedelta | None = None
        self._woken = asyncio.Event()
        self._progress = Progress(tools, self._portrait, self._memory, self._sizing, on_done=self.wake)

    def update(self, pod: Object) -> None:
        """Take the pod's newer object; what waits to be tried again is tried now if the user changed something."""
        if _wishes(pod) != _wishes(self.pod):
            self._memory.wake_at.clear()
            self._progress.refreshes_volumes = True
        self._portrait.pod = pod
        self.wake()

    def remove(self) -> None:
        """The API no longer has the pod."""
        self.is_removed = True
        self.wake()

    def evict(self, terminal: Terminal, grace: timedelta) -> None:
        """End the pod for the node's own reasons."""
        if self._eviction is None:
            self._tools.pod_event(self.pod, "Warning", terminal.reason, terminal.message)
        self._eviction, self._eviction_grace = terminal, grace
        self.wake()

    def show_again(self) -> None:
        """Write the status anew, though it has not changed."""
        self._writer.forget()
        self.wake()

    def wake(self) -> None:
        """Look again soon."""
        self._woken.set()

    def configuration_changed(self) -> None:
        """What its volumes show has changed."""
        self._memory.wake_at.clear()
        self._progress.refreshes_volumes = True
        self.wake()

    @property
    def is_ending(self) -> bool:
        """Whether the pod is being ended, for whatever reason."""
        return self._memory.is_terminating or self._eviction is not None or self.is_removed

    @property
    def is_evicted(self) -> bool:
        """Whether the node ends the pod for reasons of its own."""
        return self._eviction is not None

    @property
    def pod(self) -> Object:
        """The pod's latest object."""
        return self._portrait.pod

    @property
    def observed(self) -> Observed:
        """What the runtime had at the last look."""
        return self._portrait.observed

    @property
    def status(self) -> dict[str, Any]:
        """The latest status, as the serving side shows it."""
        return self._portrait.status

    async def run(self) -> None:
        """Run the pod until nothing of it is left."""
        writing = asyncio.create_task(self._writer.run(), name=f"status of {pods.full_name(self.pod)}")
        try:
            rejection = self._rejection or await self._refused_devices()
            if rejection is not None:
                self._portrait.show_rejected(rejection)
            else:
                await self._live()
                await self._end()
            await self._linger()
            await self._forget()
        finally:
            await self._portrait.close()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _live(self) -> None:
        self._tools.configuration.register(self.pod)
        try:
            while not await self._turn():
                await self._rest()
        finally:
            await self._progress.stop()

    async def _turn(self) -> bool:
        """One look at the pod; True where it must end."""
        await self._portrait.look()
        if self._must_end():
            return True
        self._sizing.decide(self.pod, self.observed)
        self._portrait.show()
        if self._memory.terminal is not None or self.status.get("phase") in ("Succeeded", "Failed"):
            return True
        self._progress.go_on()
        return False

    def _must_end(self) -> bool:
        if self._eviction is not None:
            self._memory.terminal = self._eviction
        if self.is_removed or pods.deletion_time(self.pod) is not None or self._eviction is not None:
            return True
        if pods.is_terminal(self.pod):
            return True
        deadline = self._deadline()
        if deadline is not None and self._tools.clock.now() >= deadline:
            self._memory.terminal = Terminal("Failed", "DeadlineExceeded", _DEADLINE_MESSAGE)
            self._tools.pod_event(self.pod, "Normal", "DeadlineExceeded", _DEADLINE_MESSAGE)
            return True
        return False

    async def _end(self) -> None:
        self._memory.is_terminating = True
        self._memory.waiting.clear()
        self._portrait.stop_restarting()
        await Ending(self._tools, self._portrait, grace=self._grace, on_change=self.wake).run(self._rest)

    async def _linger(self) -> None:
        """Keep the remains of a pod that is over until it is deleted."""
        self._memory.is_stopped = True
        await self._portrait.look()
        self._portrait.show()
        self._tools.configuration.unregister(uid_of(self.pod))
        await self._writer.flush()
        self.has_ended = True
        await cleanup.tear_down(self._tools, self.pod)
        while not self.is_removed and pods.deletion_time(self.pod) is None:
            self._woken.clear()
            await self._woken.wait()

    async def _forget(self) -> None:
        await self._writer.flush()
        if not self.is_removed or pods.is_static(self.pod):
            await self._writer.delete(self.pod)
        await cleanup.remove(self._tools, self.pod, self.observed)

    async def _refused_devices(self) -> Terminal | None:
        """Have devices chosen for the pod; why it can't run where there are too few. One that runs goes on."""
        try:
            await self._tools.devices.admit(self.pod)
        except AllocationFailed as error:
            if self.status.get("startTime"):
                _log.warning("pod %s: %s", pods.full_name(self.pod), error)
                return None
            return Terminal(
                "Failed", "UnexpectedAdmissionError", f"Allocate failed due to {error}, which is unexpected"
            )
        return None

    async def _rest(self) -> None:
        """Wait until something happens or something is due."""
        now = self._tools.clock.now()
        moments = [moment for moment in self._memory.wake_at.values() if moment > now]
        if (deadline := self._deadline()) is not None:
            moments.append(deadline)
        longest = timedelta(seconds=self._tools.settings.sync_seconds)
        due = min((*(moment - now for moment in moments), longest))
        if not await wait_for(self._woken, self._tools.clock, max(0.0, due.total_seconds())) and due == longest:
            self._progress.refreshes_volumes = True
        self._woken.clear()

    def _deadline(self) -> datetime | None:
        seconds, began = spec_of(self.pod).get("activeDeadlineSeconds"), self.status.get("startTime")
        if seconds is None or not began or self._memory.is_terminating:
            return None
        return parse_time(began) + timedelta(seconds=int(seconds))

    def _grace(self) -> timedelta:
        if self._eviction_grace is not None and pods.deletion_time(self.pod) is None:
            return self._eviction_grace
        return pods.grace_period(self.pod)


def _wishes(pod: Object) -> tuple[Any, ...]:
    """What users change in a pod."""
    metadata = pod["metadata"]
    return pod.get("spec"), metadata.get("labels"), metadata.get("annotations")
