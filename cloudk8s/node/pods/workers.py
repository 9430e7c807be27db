"""All pods of this node: a worker for each, told what happens; and what belongs to no pod any more is cleared away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import status_of, uid_of
from cloudk8s.node.cluster.pod_status import PodStatusWriter
from cloudk8s.node.devices.claims import NotPrepared
from cloudk8s.node.pods import naming, room
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.admission import Host, rejection
from cloudk8s.node.pods.static import MirrorWriter
from cloudk8s.node.pods.status.inputs import Terminal
from cloudk8s.node.pods.tools import Tools
from cloudk8s.node.pods.worker import PodWorker
from cloudk8s.node.runtimes.interface import Container, RuntimeFailure, Sandbox
from cloudk8s.node.volumes.interface import VolumeError

_ORPHAN_GRACE = timedelta(seconds=30)
_ORPHAN_RETRY_SECONDS = 30.0

_PREEMPTED = Terminal("Failed", "Preempting", "Preempted in order to admit critical pod", is_disruption=True)
_NO_VICTIMS = (
    "Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to "
    "preempt: no set of running pods found to reclaim resources: "
)
_log = logging.getLogger(__name__)


class PodWorkers:
    """Owns the workers. Its methods are called on the event loop and return at once."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._orphans: set[str] = set()
        self._refusal: Terminal | None = None
        self._checks: list[Callable[[Object], Terminal | None]] = []

    def changed(self, old: Object | None, new: Object | None) -> None:
        """Take a change of a pod of this node; the informer calls it."""
        if old is not None and (new is None or uid_of(new) != uid_of(old)) and (worker := self.get(uid_of(old))):
            worker.remove()
        if pods.is_mirror(new or old or {"metadata": {}}):
            self._mirror_changed(new)
            return
        if new is None:
            return
        if worker := self.get(uid_of(new)):
            worker.update(new)
        else:
            self._add(new)

    def refuse(self, why: Terminal | None) -> None:
        """Take no more pods, for this reason; take them again with none."""
        self._refusal = why

    def check_with(self, check: Callable[[Object], Terminal | None]) -> None:
        """Ask this, too, whether the node takes a pod: it tells why not."""
        self._checks.append(check)

    def get(self, uid: str) -> PodWorker | None:
        """The worker of a pod."""
        return self._workers.get(uid)

    def all(self) -> Sequence[PodWorker]:
        """All workers."""
        return list(self._workers.values())

    def find(self, namespace: str, name: str) -> PodWorker | None:
        """The worker of a pod by its names; the youngest where an old one is still being ended."""
        wanted = f"{namespace}/{name}"
        found = [worker for worker in self._workers.values() if pods.full_name(worker.pod) == wanted]
        return max(found, key=lambda worker: not worker.is_removed, default=None)

    def running_containers(self) -> Iterable[Container]:
        """All containers that ran when their workers last looked."""
        return [container for worker in self.all() for container in worker.observed.running()]

    def wake(self, uid: str) -> None:
        """Something happened to a pod."""
        if worker := self._workers.get(uid):
            worker.wake()

    def configuration_changed(self, uid: str) -> None:
        """An object that a pod refers to has changed."""
        if worker := self._workers.get(uid):
            worker.configuration_changed()

    async def listen(self) -> None:
        """Wake workers as the runtime reports events, until cancelled."""
        async for event in self._tools.runtime.events():
            self.wake(event.pod_uid)

    async def clear_orphans(self) -> None:
        """Remove what an earlier agent left of pods that are gone; call it once the pods are known."""
        for sandbox in await self._tools.runtime.list_sandboxes():
            if sandbox.uid not in self._workers and not await asyncio.to_thread(self._is_others, sandbox):
                await self._clear(sandbox)
        self._orphans |= self._tools.claims.holders - set(self._workers)
        for uid in self._tools.devices.holders - set(self._workers):
            await self._tools.devices.free(uid)
        for uid in await asyncio.to_thread(_directories, self._tools):
            if uid not in self._workers and not await self._tear_down(uid):
                self._orphans.add(uid)

    async def retry_orphans(self) -> None:
        """Try again to undo volumes of pods that are gone, whose drivers were not there, until cancelled."""
        while True:
            await self._tools.clock.sleep(_ORPHAN_RETRY_SECONDS)
            self._orphans = {uid for uid in self._orphans if not await self._tear_down(uid)}

    async def close(self) -> None:
        """Stop the workers; what runs goes on."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _mirror_changed(self, mirror: Object | None) -> None:
        """Someone deleted a mirror, or a node's restart found it: the static pod shows itself again."""
        for worker in self.all():
            if pods.is_static(worker.pod) and (mirror is None or mirror["metadata"].get("deletionTimestamp")):
                worker.show_again()

    def _add(self, pod: Object) -> None:
        refusal = self._refusal
        if refusal is None and not status_of(pod).get("startTime") and pods.deletion_time(pod) is None:
            refusal = self._rejection(pod)
        writer = PodStatusWriter(self._tools.client, clock=self._tools.clock)
        if pods.is_static(pod):
            writer = MirrorWriter(self._tools.client, pod, clock=self._tools.clock)
        uid = uid_of(pod)
        worker = PodWorker(self._tools, pod, writer, others=lambda: self._others(uid), rejection=refusal)
        self._workers[uid] = worker
        self._tasks[uid] = asyncio.create_task(self._run(uid, worker), name=f"pod {pods.full_name(pod)}")

    def _rejection(self, pod: Object) -> Terminal | None:
        """Why the node does not take a new pod; others may have to go for a critical one."""
        for check in self._checks:
            if why := check(pod):
                return why
        node, others = self._tools.node, self._others(uid_of(pod))
        host = Host(node.object, node.allocatable, node.has_apparmor, self._tools.settings.allowed_unsafe_sysctls)
        if why := rejection(pod, others, host):
            return why
        lack = room.lacking(pod, others, node.allocatable)
        return self._make_room(pod, others, lack) if lack is not None else None

    def _make_room(self, pod: Object, others: Sequence[Object], lack: room.Lack) -> Terminal | None:
        chosen = room.victims(pod, others, self._tools.node.allocatable)
        if not chosen:
            need = f"[(res: {lack.resource}, q: {lack.requested - (lack.capacity - lack.used)}), ]"
            return Terminal("Failed", "UnexpectedAdmissionError", _NO_VICTIMS + need)
        for other in chosen:
            if worker := self.get(uid_of(other)):
                worker.evict(_PREEMPTED, pods.grace_period(other))
        return None

    def _others(self, uid: str) -> list[Object]:
        """The other pods that take up room."""
        return [worker.pod for key, worker in self._workers.items() if key != uid and _counts(worker)]

    async def _run(self, uid: str, worker: PodWorker) -> None:
        """Run a worker to its end; one that breaks starts again from what the runtime has."""
        while True:
            try:
                await worker.run()
                break
            except Exception as error:  # noqa: BLE001 - one pod must not take the node with it
                _log.exception("pod %s: the worker broke and starts again", pods.full_name(worker.pod))
                self._tools.pod_event(worker.pod, "Warning", "FailedSync", f"Error syncing pod, skipping: {error}")
                await self._tools.clock.sleep(5.0)
        if self._workers.get(uid) is worker:
            del self._workers[uid]
            del self._tasks[uid]

    async def _tear_down(self, uid: str) -> bool:
        """Undo the volumes of a pod that is gone; False where they have to stay for now."""
        try:
            await self._tools.claims.release(uid)
            await self._tools.volumes.tear_down(uid)
        except (VolumeError, NotPrepared) as error:
            _log.warning("what pod %s had, which is gone, is not undone yet: %s", uid, error)
            return False
        return True

    def _is_others(self, sandbox: Sandbox) -> bool:
        """Whether another agent that uses the same runtime may still have a sandbox: its logs are elsewhere. Blocks."""
        logs = Path(sandbox.log_directory)
        is_ours = not sandbox.log_directory or logs.is_relative_to(self._tools.settings.logs_dir)
        if not is_ours and logs.exists():
            _log.warning("pod %s/%s is another node's, with logs in %s", sandbox.namespace, sandbox.name, logs)
            return True
        return False

    async def _clear(self, sandbox: Sandbox) -> None:
        _log.info("pod %s/%s is gone, ending what is left of it", sandbox.namespace, sandbox.name)
        with suppress(RuntimeFailure):
            for container in await self._tools.runtime.list_containers(pod_uid=sandbox.uid):
                seconds = container.annotations.get(naming.POD_GRACE)
                grace = timedelta(seconds=int(seconds)) if seconds else _ORPHAN_GRACE
                await self._tools.runtime.stop_container(container.id, min(grace, _ORPHAN_GRACE))
            await self._tools.runtime.remove_sandbox(sandbox.id)


def _counts(worker: PodWorker) -> bool:
    """Whether a pod still takes up room."""
    return worker.status.get("phase") not in ("Succeeded", "Failed") and not worker.is_evicted and not worker.is_removed


def _directories(tools: Tools) -> Iterable[str]:
    root = tools.settings.pods_dir
    return [path.name for path in root.iterdir()] if root.exists() else []
