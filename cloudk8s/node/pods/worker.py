"""One pod's worker: look, show, plan, do; then end it, clean up, and confirm its end to the API.

A pod goes through `live` (running it), `end` (killing it: deleted, over, or condemned), and `linger` (over but still in
the API, so that its logs can be read) to `forget`. What happens meanwhile is in the runtime; the worker looks again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.client.events import EventKind
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, status_of, uid_of
from cloudk8s.machinery.times import parse_time
from cloudk8s.node.cluster.pod_status import PodStatusWriter
from cloudk8s.node.devices.manager import AllocationFailed
from cloudk8s.node.pods import cleanup, kill, resize
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.memory import PodMemory, pod_ips
from cloudk8s.node.pods.observed import Observed
from cloudk8s.node.pods.plan import ProbeResults, plan
from cloudk8s.node.pods.status.inputs import Terminal
from cloudk8s.node.pods.status.pod_status import pod_status, rejected_status
from cloudk8s.node.pods.sync import PodSync, look
from cloudk8s.node.pods.tools import Tools
from cloudk8s.node.probes.handlers import Subject
from cloudk8s.node.probes.prober import Prober, Report
from cloudk8s.node.waiting import wait_for

_KILL_RETRY = 1.0
_DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"

_log = logging.getLogger(__name__)


class PodWorker:
    """Runs one pod until it is gone."""

    def __init__(
        self, tools: Tools, pod: Object, writer: PodStatusWriter, *, others: Callable[[], Sequence[Object]],
        rejection: Terminal | None = None,
    ) -> None:  # fmt: skip
        self._tools, self._writer, self._rejection, self._others = tools, writer, rejection, others
        self._resizes: list[resize.Step] = []
        self.pod = pod
        self.is_removed = False
        """The pod is no longer in the API."""
        self.has_ended = False
        """Nothing of it runs any more, and the API knows."""
        self.status = dict(status_of(pod))
        """The latest status, as the serving side shows it."""
        self._memory = PodMemory()
        self._eviction: Terminal | None = None
        self._eviction_grace: timedelta | None = None
        self._woken = asyncio.Event()
        self._sync = PodSync(tools, self._memory)
        self._syncing: asyncio.Task[None] | None = None
        self._prober = Prober(tools.runtime, clock=tools.clock, on_change=self.wake, on_failure=self._probe_failed)
        self._observed = Observed()
        self._refresh_volumes = False

    def update(self, pod: Object) -> None:
        """Take the pod's newer object; what waits to be tried again is tried now if the user changed something."""
        if _wishes(pod) != _wishes(self.pod):
            self._memory.wake_at.clear()
            self._refresh_volumes = True
        self.pod = pod
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
        self._refresh_volumes = True
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
    def observed(self) -> Observed:
        """What the runtime had at the last look."""
        return self._observed

    async def run(self) -> None:
        """Run the pod until nothing of it is left."""
        writing = asyncio.create_task(self._writer.run(), name=f"status of {pods.full_name(self.pod)}")
        try:
            rejection = self._rejection or await self._refused_devices()
            if rejection is not None:
                await self._reject(rejection)
            else:
                await self._live()
                await self._end()
            await self._linger()
            await self._forget()
        finally:
            await self._prober.close()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _live(self) -> None:
        self._tools.configuration.register(self.pod)
        try:
            while not await self._turn():
                await self._rest()
        finally:
            await self._stop_syncing()

    async def _turn(self) -> bool:
        """One look at the pod; True where it must end."""
        self._woken.clear()
        await self._observe()
        if self._must_end():
            return True
        self._decide_size()
        self._show()
        if self._memory.terminal is not None or self.status.get("phase") in ("Succeeded", "Failed"):
            return True
        if self._syncing is None or self._syncing.done():
            self._start_syncing()
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

    def _start_syncing(self) -> None:
        if self._syncing is not None:
            self._report_failure(self._syncing)
        results = ProbeResults(self._prober.health("startup"), self._prober.health("liveness"))
        steps = self._sync.due(plan(self.pod, self._observed, results))
        if not steps.is_idle:
            work = self._sync.run(self.pod, self._observed, steps)
        elif self._resizes and self._sync.may_resize():
            work = self._sync.resize(self.pod, self._observed, self._resizes)
        elif self._refresh_volumes and self._observed.ready_sandbox is not None:
            self._refresh_volumes = False
            work = self._sync.refresh_volumes(self.pod)
        else:
            return
        self._syncing = asyncio.create_task(work, name=f"sync of {pods.full_name(self.pod)}")
        self._syncing.add_done_callback(lambda _: self.wake())

    def _decide_size(self) -> None:
        """Grant what the pod asks for where there is room, and see what is left to be done for it."""
        memory, node = self._memory, self._tools.node
        before = memory.granted if memory.granted is not None else resize.remembered(self.pod)
        decision = resize.decide(self.pod, before, self._others(), node.allocatable)
        memory.granted = decision.granted
        self._resizes = resize.steps(self.pod, decision.granted, self._observed, memory_capacity=node.memory_capacity)
        if decision.reason and decision.reason not in {each.get("reason") for each in memory.resize_conditions}:
            kind: EventKind = "Warning" if decision.reason == "Infeasible" else "Normal"
            self._tools.pod_event(self.pod, kind, f"Resize{decision.reason}", decision.message)
        if not self._resizes:
            memory.resize_error = ""
        found = decision.conditions(is_in_progress=bool(self._resizes), error=memory.resize_error)
        memory.resize_conditions = tuple(found)

    async def _end(self) -> None:
        """Kill the pod; a shorter grace that comes meanwhile takes effect."""
        self._memory.is_terminating = True
        self._memory.waiting.clear()
        self._prober.stop_restarting()
        ending: asyncio.Task[None] | None = None
        grace: timedelta | None = None
        while True:
            self._woken.clear()
            await self._observe()
            self._show()
            if self._observed.is_stopped and (ending is None or ending.done()):
                break
            wanted = self._grace()
            if ending is None or ending.done() or (grace is not None and wanted < grace):
                if ending is not None and self._report_failure(ending):
                    await self._tools.clock.sleep(_KILL_RETRY)
                if ending is not None:
                    ending.cancel()
                grace = wanted
                ip = next(iter(pod_ips(self._observed, self._tools)), "")
                work = kill.kill_pod(self._tools, self.pod, self._observed, grace=grace, pod_ip=ip)
                ending = asyncio.create_task(work, name=f"end of {pods.full_name(self.pod)}")
                ending.add_done_callback(lambda _: self.wake())
            await self._rest()
        if ending is not None:
            self._report_failure(ending)

    async def _linger(self) -> None:
        """Keep the remains of a pod that is over until it is deleted."""
        self._memory.is_stopped = True
        await self._observe()
        self._show()
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
        await cleanup.remove(self._tools, self.pod, self._observed)

    async def _reject(self, rejection: Terminal) -> None:
        self._tools.pod_event(self.pod, "Warning", rejection.reason, rejection.message)
        inputs = self._memory.inputs(self._tools, self.pod, Observed(), self._prober)
        self.status = rejected_status(self.pod, rejection.reason, rejection.message, inputs)
        self._memory.previous = self.status
        self._writer.put(self.pod, self.status)

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

    async def _observe(self) -> None:
        self._observed = await look(self._tools, uid_of(self.pod))
        await self._memory.learn(self._tools, self.pod, self._observed)
        if await cleanup.prune(self._tools, self._observed):
            self._observed = await look(self._tools, uid_of(self.pod))
        self._probe()

    def _probe(self) -> None:
        """Probe what runs."""
        running = {each.id: each for each in self._observed.running()}
        self._prober.keep_only(set(running))
        ip = next(iter(pod_ips(self._observed, self._tools)), "")
        known = _known_containers(status_of(self.pod))
        for container in running.values():
            spec = pods.find_container(self.pod, container.name)
            if spec is not None and not self._memory.is_terminating:
                before = known.get(f"{self._tools.node.runtime_name}://{container.id}", {})
                self._prober.watch(
                    Subject(spec, container.id, ip), container,
                    was_ready=bool(before.get("ready")), was_started=bool(before.get("started")),
                )  # fmt: skip

    def _show(self) -> None:
        """Compute the status and hand it on."""
        inputs = self._memory.inputs(self._tools, self.pod, self._observed, self._prober)
        self.status = pod_status(self.pod, inputs)
        self._memory.previous = self.status
        self._writer.put(self.pod, self.status)

    async def _rest(self) -> None:
        """Wait until something happens or something is due."""
        now = self._tools.clock.now()
        moments = [moment for moment in self._memory.wake_at.values() if moment > now]
        if (deadline := self._deadline()) is not None:
            moments.append(deadline)
        longest = timedelta(seconds=self._tools.settings.sync_seconds)
        due = min((*(moment - now for moment in moments), longest))
        if not await wait_for(self._woken, self._tools.clock, max(0.0, due.total_seconds())) and due == longest:
            self._refresh_volumes = True

    def _deadline(self) -> datetime | None:
        seconds, began = spec_of(self.pod).get("activeDeadlineSeconds"), self.status.get("startTime")
        if seconds is None or not began or self._memory.is_terminating:
            return None
        return parse_time(began) + timedelta(seconds=int(seconds))

    def _grace(self) -> timedelta:
        if self._eviction_grace is not None and pods.deletion_time(self.pod) is None:
            return self._eviction_grace
        return pods.grace_period(self.pod)

    async def _stop_syncing(self) -> None:
        if self._syncing is not None:
            self._syncing.cancel()
            await asyncio.gather(self._syncing, return_exceptions=True)

    def _probe_failed(self, report: Report) -> None:
        kind = report.kind.capitalize()
        reason, what = ("ProbeWarning", "warning") if report.is_warning else ("Unhealthy", "failed")
        note = f"{kind} probe {what}: {report.text}"
        self._tools.container_event(self.pod, report.container_name, "Warning", reason, note)

    def _report_failure(self, task: asyncio.Task[None]) -> bool:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            _log.error("pod %s: %s", pods.full_name(self.pod), error, exc_info=error)
            self._tools.pod_event(self.pod, "Warning", "FailedSync", f"Error syncing pod, skipping: {error}")
            return True
        return False


def _wishes(pod: Object) -> tuple[Any, ...]:
    """What users change in a pod."""
    metadata = pod["metadata"]
    return pod.get("spec"), metadata.get("labels"), metadata.get("annotations")


def _known_containers(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What the API shows of containers, by container id."""
    fields = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    return {
        each["containerID"]: each for field in fields for each in status.get(field) or () if each.get("containerID")
    }
