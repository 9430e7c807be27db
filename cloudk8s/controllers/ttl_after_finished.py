"""Delete Jobs some time after they have finished, where `spec.ttlSecondsAfterFinished` says so.

https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.objects import (
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    resource_version_of,
    spec_of,
    status_of,
    uid_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import JOBS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import NotFound
from cloudk8s.machinery.instruments import exponential
from cloudk8s.machinery.times import parse_time


class TTLAfterFinishedController:
    """Looks at a finished Job when its time is up; the delete goes through the garbage collector in the foreground."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._queue: WorkQueue[str] = WorkQueue(
            "ttl_jobs_to_delete", clock=context.clock, instruments=context.instruments
        )
        self._late = context.instruments.histogram(
            "ttl_after_finished_controller_job_deletion_duration_seconds",
            "The time it took to delete the job since it became eligible for deletion",
            exponential(0.1, 2, 14),
        ).of()
        self._jobs = context.informers.of(JOBS)
        self._jobs.add_handler(self._changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_ttl_after_finished_syncs, self._reconcile)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and not is_deleting(new) and expiry(new) is not None:
            self._queue.add(key_of(new))

    async def _reconcile(self, name: str) -> timedelta | None:
        job = self._jobs.get_key(name)
        left = self._left(job)
        if job is None or left is None or left > timedelta(0):
            return left
        try:
            fresh = await self._client.get(JOBS, name_of(job), namespace=namespace_of(job))
        except NotFound:
            return None
        left = self._left(fresh)
        if left is None or left > timedelta(0):
            return left
        options = DeleteOptions(
            propagation_policy="Foreground", uid=uid_of(fresh), resource_version=resource_version_of(fresh)
        )
        await self._client.delete(JOBS, name_of(fresh), namespace=namespace_of(fresh), options=options)
        self._late.observe(-left.total_seconds())
        return None

    def _left(self, job: Object | None) -> timedelta | None:
        moment = expiry(job) if job is not None and not is_deleting(job) else None
        return moment - self._context.clock.now() if moment else None


def expiry(job: Object) -> datetime | None:
    """When the Job goes; None if it has not finished, or may stay."""
    seconds = spec_of(job).get("ttlSecondsAfterFinished")
    if seconds is None:
        return None
    for condition in status_of(job).get("conditions") or ():
        if condition.get("type") in ("Complete", "Failed") and condition.get("status") == "True":
            return parse_time(condition["lastTransitionTime"]) + timedelta(seconds=int(seconds))
    return None
