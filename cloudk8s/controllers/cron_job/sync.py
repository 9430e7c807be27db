"""One reconciliation of one CronJob: forget what ended, start what is due, keep as much history as asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, DeleteOptions, Object
from cloudk8s.client.objects import (
    controller_reference,
    is_controlled_by,
    is_deleting,
    is_true,
    name_of,
    namespace_of,
    object_reference,
    resource_version_of,
    spec_of,
    status_of,
    uid_of,
)
from cloudk8s.client.resources import CRON_JOBS, JOBS
from cloudk8s.controllers.cron_job.timing import MANY, Timing, TimingError, timing_of
from cloudk8s.controllers.pods import is_namespace_terminating
from cloudk8s.errors import AlreadyExists, NotFound, StatusError
from cloudk8s.machinery import codec
from cloudk8s.machinery.cron import CronError
from cloudk8s.machinery.instruments import Series
from cloudk8s.machinery.times import format_time, parse_time

SCHEDULED_AT: Final = "batch.kubernetes.io/cronjob-scheduled-timestamp"


@dataclass(slots=True)
class CronJobSync:
    """`jobs` are those that the CronJob controls."""

    client: Client
    events: EventRecorder
    cron_job: Object
    jobs: Sequence[Object]
    now: datetime
    skew: Series
    """How long after their time Jobs are made."""
    status: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.status = codec.copy(status_of(self.cron_job))

    async def run(self) -> timedelta | None:
        """Do what is due; returns when the next time is. Status is written also when something fails."""
        try:
            await self._clean_up()
            await self._note_jobs()
            return await self._start()
        finally:
            await self._write_status()

    # What has become of Jobs

    async def _note_jobs(self) -> None:
        for job in self.jobs:
            await self._note(job)
        known = {uid_of(job) for job in self.jobs}
        for reference in [item for item in self._active() if item["uid"] not in known]:
            await self._check_missing(reference)

    async def _note(self, job: Object) -> None:
        is_active, outcome = self._is_active(uid_of(job)), _outcome(job)
        if not is_active and not outcome:
            await self._claim_unexpected(job)
        elif is_active and outcome:
            self._forget(uid_of(job))
            message = f"Saw completed job: {name_of(job)}, condition: {outcome}"
            self.events.normal(self.cron_job, "SawCompletedJob", message)
        if outcome == "Complete" and (ended := status_of(job).get("completionTime")):
            last = self.status.get("lastSuccessfulTime")
            if last is None or parse_time(last) < parse_time(ended):
                self.status["lastSuccessfulTime"] = ended

    async def _claim_unexpected(self, job: Object) -> None:
        """A Job that runs and is not in status: the cache may be old, or a restart lost the note."""
        fresh = await self.client.get(CRON_JOBS, name_of(self.cron_job), namespace=namespace_of(self.cron_job))
        if any(item["uid"] == uid_of(job) for item in status_of(fresh).get("active") or ()):
            self.cron_job, self.status = fresh, codec.copy(status_of(fresh))
            return
        message = f"Saw a job that the controller did not create or forgot: {name_of(job)}"
        self.events.warning(self.cron_job, "UnexpectedJob", message)

    async def _check_missing(self, reference: Object) -> None:
        if await self._read(reference) is None:
            self.events.normal(self.cron_job, "MissingJob", f"Active job went missing: {reference['name']}")
            self._forget(reference["uid"])

    # What is due

    async def _start(self) -> timedelta | None:
        if is_deleting(self.cron_job) or (timing := self._timing()) is None or spec_of(self.cron_job).get("suspend"):
            return None
        try:
            due = timing.due(self._noted(), self.now)
        except TimingError as error:
            message = f"invalid schedule: {spec_of(self.cron_job)['schedule']} : {error}"
            self.events.warning(self.cron_job, "InvalidSchedule", message)
            return None
        if due.missed > MANY and due.at is not None:
            message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
            self.events.warning(self.cron_job, "TooManyMissedTimes", message)
        if due.at is not None and self._may_start(due.at):
            await self._replace_active()
            await self._create(due.at)
        return timing.wait(self._noted(), self.now)

    def _timing(self) -> Timing | None:
        schedule, zone = spec_of(self.cron_job)["schedule"], spec_of(self.cron_job).get("timeZone")
        try:
            timing = timing_of(self.cron_job)
        except CronError as error:
            self.events.warning(self.cron_job, "UnparseableSchedule", f'unparseable schedule: "{schedule}" : {error}')
            return None
        except (ValueError, KeyError, OSError):
            message = f'invalid timeZone: "{zone}": unknown time zone {zone}'
            self.events.warning(self.cron_job, "UnknownTimeZone", message)
            return None
        if "TZ" in schedule:
            message = f'CRON_TZ or TZ used in schedule "{schedule}" is not officially supported, see {_DOCUMENTATION}'
            self.events.warning(self.cron_job, "UnsupportedSchedule", f"{message} for more details")
        return timing

    def _noted(self) -> Object:
        return {**self.cron_job, "status": self.status}

    def _may_start(self, at: datetime) -> bool:
        deadline = spec_of(self.cron_job).get("startingDeadlineSeconds")
        if deadline is not None and at + timedelta(seconds=int(deadline)) < self.now:
            moment = at.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
            message = f"Missed scheduled time to start a job: {moment}"
            self.events.warning(self.cron_job, "MissSchedule", message)
            return False
        last = self.status.get("lastScheduleTime")
        if last is not None and parse_time(last) == at:
            return False
        if any(item["name"] == self._job_name(at) for item in self._active()):
            return False
        if spec_of(self.cron_job).get("concurrencyPolicy") == "Forbid" and self._active():
            message = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self.events.normal(self.cron_job, "JobAlreadyActive", message)
            return False
        return True

    async def _replace_active(self) -> None:
        if spec_of(self.cron_job).get("concurrencyPolicy") != "Replace":
            return
        for reference in self._active():
            job = await self._read(reference)
            if job is None:
                self._forget(reference["uid"])
            else:
                await self._delete(job)

    async def _create(self, at: datetime) -> None:
        job = self._job(at)
        try:
            made = await self.client.create(JOBS, job, namespace=namespace_of(self.cron_job))
        except AlreadyExists:
            found = await self.client.get(JOBS, name_of(job), namespace=namespace_of(self.cron_job))
            if not is_controlled_by(found, self.cron_job) or self._is_active(uid_of(found)):
                return
            made = found
        except StatusError as error:
            if not is_namespace_terminating(error):
                self.events.warning(self.cron_job, "FailedCreate", f"Error creating job: {error.message}")
            raise
        else:
            self.skew.observe((self.now - at).total_seconds())
            self.events.normal(self.cron_job, "SuccessfulCreate", f"Created job {name_of(made)}")
        self.status["active"] = [*self._active(), _reference(made)]
        self.status["lastScheduleTime"] = format_time(at)

    def _job(self, at: datetime) -> Object:
        template = spec_of(self.cron_job)["jobTemplate"]
        given = template.get("metadata") or {}
        zone = spec_of(self.cron_job).get("timeZone")
        metadata = {
            "name": self._job_name(at),
            "namespace": namespace_of(self.cron_job),
            "annotations": {**(given.get("annotations") or {}), SCHEDULED_AT: _local(at, zone)},
            "ownerReferences": [controller_reference(self.cron_job, CRON_JOBS)],
        }
        if given.get("labels"):
            metadata["labels"] = dict(given["labels"])
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": codec.copy(template["spec"])}

    def _job_name(self, at: datetime) -> str:
        return f"{name_of(self.cron_job)}-{int(at.timestamp()) // 60}"

    # History

    async def _clean_up(self) -> None:
        for outcome, field_name in (("Failed", "failedJobsHistoryLimit"), ("Complete", "successfulJobsHistoryLimit")):
            limit = spec_of(self.cron_job).get(field_name)
            if limit is None:
                continue
            ended = sorted((job for job in self.jobs if _outcome(job) == outcome), key=_age)
            for job in ended[: max(0, len(ended) - int(limit))]:
                if not is_deleting(job):
                    await self._delete(job)

    async def _delete(self, job: Object) -> None:
        options = DeleteOptions(propagation_policy="Background", uid=uid_of(job))
        try:
            await self.client.delete(JOBS, name_of(job), namespace=namespace_of(job), options=options)
        except NotFound:
            pass
        except StatusError as error:
            self.events.warning(self.cron_job, "FailedDelete", f"Deleted job: {error.message}")
            raise
        else:
            self.events.normal(self.cron_job, "SuccessfulDelete", f"Deleted job {name_of(job)}")
        self._forget(uid_of(job))

    # Status

    def _active(self) -> list[Object]:
        return list(self.status.get("active") or ())

    def _is_active(self, uid: str) -> bool:
        return any(item["uid"] == uid for item in self._active())

    def _forget(self, uid: str) -> None:
        left = [item for item in self._active() if item["uid"] != uid]
        if left:
            self.status["active"] = left
        else:
            self.status.pop("active", None)

    async def _read(self, reference: Object) -> Object | None:
        try:
            return await self.client.get(JOBS, reference["name"], namespace=namespace_of(self.cron_job))
        except NotFound:
            return None

    async def _write_status(self) -> None:
        if self.status != status_of(self.cron_job):
            changed = {**self.cron_job, "status": self.status}
            await self.client.update(CRON_JOBS, changed, subresource="status")


_DOCUMENTATION: Final = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"


def _outcome(job: Object) -> str:
    """`Complete` or `Failed`; empty while it runs."""
    return next((type for type in ("Complete", "Failed") if is_true(job, type)), "")


def _age(job: Object) -> tuple[str, str]:
    return status_of(job).get("startTime") or "", name_of(job)


def _reference(job: Object) -> Object:
    return {**object_reference(job, JOBS), "resourceVersion": resource_version_of(job)}


def _local(at: datetime, zone: str | None) -> str:
    if not zone:
        return format_time(at)
    text = at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
