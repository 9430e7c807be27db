"""Which CronJobs to look at, and when. https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"""

from __future__ import annotations

from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import controller_of, key, key_of, namespace_of, uid_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import CRON_JOBS, JOBS
from cloudk8s.controllers.cron_job.sync import CronJobSync
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import BY_CONTROLLER, controllers_of, is_namespace_terminating
from cloudk8s.errors import StatusError
from cloudk8s.machinery.instruments import exponential


class CronJobController:
    """Enqueues a CronJob when it or a Job of it changes, and when its next time comes."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._events = context.events.for_component("cronjob-controller")
        self._queue: WorkQueue[str] = WorkQueue("cronjob", clock=context.clock, instruments=context.instruments)
        self._skew = context.instruments.histogram(
            "cronjob_controller_job_creation_skew_duration_seconds",
            "Time between when a cronjob is scheduled to be run, and when the corresponding job is created",
            exponential(1, 2, 10),
            stage="STABLE",
        ).of()
        self._cron_jobs = context.informers.of(CRON_JOBS)
        self._cron_jobs.add_handler(self._cron_job_changed)
        self._jobs = context.informers.of(JOBS)
        self._jobs.add_index(BY_CONTROLLER, controllers_of)
        self._jobs.add_handler(self._job_changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_cron_job_syncs, self._reconcile)

    def _cron_job_changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        for job in (old, new):
            reference = controller_of(job) if job is not None else None
            if job is not None and reference is not None and reference["kind"] == CRON_JOBS.kind:
                self._queue.add(key(namespace_of(job), reference["name"]))

    async def _reconcile(self, name: str) -> timedelta | None:
        cron_job = self._cron_jobs.get_key(name)
        if cron_job is None:
            return None
        jobs = self._jobs.by_index(BY_CONTROLLER, uid_of(cron_job))
        sync = CronJobSync(self._context.client, self._events, cron_job, jobs, self._context.clock.now(), self._skew)
        try:
            return await sync.run()
        except StatusError as error:
            if is_namespace_terminating(error):
                return None
            raise
