"""Which Jobs to look at, and when. https://kubernetes.io/docs/concepts/workloads/controllers/job/"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    controller_of,
    is_deleting,
    is_true,
    key,
    key_of,
    labels_of,
    namespace_of,
    spec_of,
    uid_of,
    version_number_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import JOBS, PODS
from cloudk8s.controllers.claims import Claim
from cloudk8s.controllers.expectations import Expectations
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.job.memory import Memory
from cloudk8s.controllers.job.metrics import JobMetrics
from cloudk8s.controllers.job.pods import FINALIZER, is_tracked
from cloudk8s.controllers.job.sync import JobSync
from cloudk8s.controllers.job.workforce import release
from cloudk8s.controllers.pods import BY_CONTROLLER, controllers_of
from cloudk8s.controllers.selector_cache import SelectorCache
from cloudk8s.errors import NotFound
from cloudk8s.machinery import labels

NAME = "kubernetes.io/job-controller"
COALESCE = 0.02


class JobController:
    """Reconciles Jobs that nobody else manages, and frees pods whose Job is gone."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._events = context.events.for_component("job-controller")
        self._queue: WorkQueue[str] = WorkQueue("job", clock=context.clock, instruments=context.instruments)
        self._orphans: WorkQueue[str] = WorkQueue(
            "job_orphan_pod", clock=context.clock, instruments=context.instruments
        )
        self._metrics = JobMetrics(context.instruments, context.clock)
        self._expectations = Expectations(context.clock)
        self._memories: dict[str, Memory] = {}
        self._selectors = SelectorCache(labels.from_object)
        self._jobs = context.informers.of(JOBS)
        self._jobs.add_handler(self._job_changed)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_CONTROLLER, controllers_of)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        workers = self._context.options.concurrent_job_syncs
        async with asyncio.TaskGroup() as group:
            group.create_task(run_workers(self._queue, workers, self._reconcile))
            group.create_task(run_workers(self._orphans, 1, self._free))

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or uid_of(old) != uid_of(new)):
            self._forget(old)
        if old is not None and new is not None and is_finished(new) and not is_finished(old):
            self._metrics.finished(new)
        self._queue.add(key_of(new or old or {}))

    def _forget(self, job: Object) -> None:
        self._memories.pop(uid_of(job), None)
        self._expectations.forget(key_of(job))
        for pod in self._pods.by_index(BY_CONTROLLER, uid_of(job)):
            if is_tracked(pod):
                self._orphans.add(key_of(pod))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        before, after = self._owner_of(old) if old else "", self._owner_of(pod)
        if after and old is None:
            self._expectations.created(after)
        if after and (new is None or is_deleting(new)):
            self._expectations.deleted(after, uid_of(pod))
        if before and before != after:
            self._queue.add(before)
        if after:
            self._queue.add_after(after, COALESCE)
        elif new is not None and is_tracked(new):
            self._orphans.add(key_of(new))
        if (
            new is not None
            and controller_of(new) is None
            and (old is None or labels_of(old) != labels_of(new) or before)
        ):
            self._enqueue_claimants(new)

    def _owner_of(self, pod: Object) -> str:
        reference = controller_of(pod)
        if reference is None or reference["kind"] != JOBS.kind:
            return ""
        name = key(namespace_of(pod), reference["name"])
        job = self._jobs.get_key(name)
        return name if job is not None and uid_of(job) == reference["uid"] else ""

    def _enqueue_claimants(self, pod: Object) -> None:
        found = labels_of(pod)
        for job in self._jobs.list(namespace_of(pod)) if found else ():
            if self._selectors.of(job).matches(found):
                self._queue.add(key_of(job))

    async def _reconcile(self, name: str) -> timedelta | None:
        job = self._jobs.get_key(name)
        if job is None or spec_of(job).get("managedBy") not in (None, NAME):
            return None
        if is_finished(job):
            await self._finish(job)
            return None
        memory = self._memories.setdefault(uid_of(job), Memory())
        if version_number_of(job) < memory.version:
            return timedelta(seconds=COALESCE)
        claim = Claim(self._client, job, JOBS, PODS, self._selectors.of(job), finalizers=[FINALIZER])
        pods = await claim.of(self._pods)
        sync = JobSync(self._client, self._context.clock, self._events, self._expectations, memory, job, pods)
        with self._metrics.syncing(job):
            return await sync.run()

    async def _finish(self, job: Object) -> None:
        """Nothing more to do but to free pods that a crash left with their finalizer."""
        self._expectations.forget(key_of(job))
        self._memories.pop(uid_of(job), None)
        for pod in self._pods.by_index(BY_CONTROLLER, uid_of(job)):
            if is_tracked(pod):
                await release(self._client, pod)

    async def _free(self, name: str) -> timedelta | None:
        """Take the finalizer off a pod that no Job will ever count."""
        pod = self._pods.get_key(name)
        if pod is None or not is_tracked(pod):
            return None
        reference = controller_of(pod)
        if reference is not None and reference["kind"] == JOBS.kind:
            if await self._is_there(namespace_of(pod), reference["name"], reference["uid"]):
                return None
        elif self._is_claimed(pod):
            return None
        await release(self._client, pod)
        return None

    async def _is_there(self, namespace: str, name: str, uid: str) -> bool:
        try:
            job = await self._client.get(JOBS, name, namespace=namespace)
        except NotFound:
            return False
        return uid_of(job) == uid

    def _is_claimed(self, pod: Object) -> bool:
        """Whether some Job is about to adopt the pod."""
        jobs = self._jobs.list(namespace_of(pod))
        return any(self._selectors.of(job).matches(labels_of(pod)) and not is_deleting(job) for job in jobs)


def is_finished(job: Object) -> bool:
    return is_true(job, "Complete") or is_true(job, "Failed")
