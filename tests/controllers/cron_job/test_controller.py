from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, controller_of, labels_of, name_of
from cloudk8s.client.resources import CRON_JOBS, JOBS
from cloudk8s.controllers.cron_job.controller import CronJobController
from cloudk8s.errors import Forbidden
from cloudk8s.machinery.times import format_time
from cloudk8s.testing.fake_client import Action
from tests.controllers.harness import NS, Harness, running


def cron_job(schedule: str = "* * * * *", *, policy: str = "Allow", **spec: Any) -> Object:
    template = {
        "metadata": {"labels": {"of": "tick"}, "annotations": {"note": "1"}},
        "spec": {"template": {"spec": {"containers": [], "restartPolicy": "Never"}}},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "tick", "namespace": NS},
        "spec": {
            "schedule": schedule,
            "concurrencyPolicy": policy,
            "suspend": False,
            "jobTemplate": template,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            **spec,
        },
    }


async def finish(run: Harness, name: str, condition: str = "Complete") -> None:
    now = format_time(run.clock.now())
    status = {"conditions": [{"type": condition, "status": "True", "lastTransitionTime": now}], "startTime": now}
    if condition == "Complete":
        status["completionTime"] = now
    await run.client.patch(JOBS, name, {"status": status}, namespace=NS, subresource="status")


def status(run: Harness) -> Object:
    found: Object = run.get(CRON_JOBS, "tick").get("status") or {}
    return found


def active(run: Harness) -> list[str]:
    return [item["name"] for item in status(run).get("active", ())]


async def minutes(run: Harness, count: int) -> None:
    for _ in range(count):
        await run.settle(60, step=10)


async def test_a_job_is_made_for_each_time() -> None:
    async with running(CronJobController, objects=[cron_job()]) as run:
        await minutes(run, 2)
        await run.settle(1)
        first, second = run.client.all(JOBS)
        at = 1767225660
        assert [name_of(first), name_of(second)] == [f"tick-{at // 60}", f"tick-{at // 60 + 1}"]
        assert controller_of(first)["kind"] == "CronJob"  # type: ignore[index]
        assert labels_of(first) == {"of": "tick"}
        stamp = "batch.kubernetes.io/cronjob-scheduled-timestamp"
        assert annotations_of(first) == {"note": "1", stamp: "2026-01-01T00:01:00Z"}
        assert active(run) == [name_of(first), name_of(second)]
        assert status(run)["lastScheduleTime"] == "2026-01-01T00:02:00Z"
        assert ("SuccessfulCreate", f"Created job {name_of(first)}") in run.events("tick")


async def test_the_scheduled_time_is_written_in_the_time_zone() -> None:
    async with running(CronJobController, objects=[cron_job(timeZone="Asia/Tokyo")]) as run:
        await minutes(run, 1)
        await run.settle(1)
        (made,) = run.client.all(JOBS)
        stamp = annotations_of(made)["batch.kubernetes.io/cronjob-scheduled-timestamp"]
        assert stamp == "2026-01-01T09:01:00+09:00"


async def test_a_job_that_ended_is_no_longer_active() -> None:
    async with running(CronJobController, objects=[cron_job("*/5 * * * *")]) as run:
        await minutes(run, 5)
        await run.settle(1)
        (name,) = run.names(JOBS)
        await finish(run, name)
        await run.settle(1)
        assert active(run) == []
        assert status(run)["lastSuccessfulTime"] == format_time(run.clock.now().replace(second=1))
        assert ("SawCompletedJob", f"Saw completed job: {name}, condition: Complete") in run.events("tick")


async def test_a_job_that_was_deleted_is_no_longer_active() -> None:
    async with running(CronJobController, objects=[cron_job("*/5 * * * *")]) as run:
        await minutes(run, 5)
        await run.settle(1)
        (name,) = run.names(JOBS)
        await run.client.delete(JOBS, name, namespace=NS)
        await run.settle(1)
        assert active(run) == []
        assert ("MissingJob", f"Active job went missing: {name}") in run.events("tick")
        assert run.names(JOBS) == []


async def test_forbid_starts_nothing_while_a_job_runs() -> None:
    async with running(CronJobController, objects=[cron_job(policy="Forbid")]) as run:
        await minutes(run, 3)
        await run.settle(1)
        assert len(run.names(JOBS)) == 1
        message = "Not starting job because prior execution is running and concurrency policy is Forbid"
        assert ("JobAlreadyActive", message) in run.events("tick")
        await finish(run, run.names(JOBS)[0])
        await minutes(run, 1)
        assert len(run.names(JOBS)) == 2


async def test_replace_deletes_the_job_that_runs() -> None:
    async with running(CronJobController, objects=[cron_job(policy="Replace")]) as run:
        await minutes(run, 1)
        await run.settle(1)
        (first,) = run.names(JOBS)
        await minutes(run, 1)
        (second,) = run.names(JOBS)
        assert second != first
        assert active(run) == [second]
        assert ("SuccessfulDelete", f"Deleted job {first}") in run.events("tick")


async def test_suspended_nothing_starts_and_missed_times_are_made_good_by_one_job() -> None:
    async with running(CronJobController, objects=[cron_job(suspend=True)]) as run:
        await minutes(run, 5)
        assert run.names(JOBS) == []
        await run.client.patch(CRON_JOBS, "tick", {"spec": {"suspend": False}}, namespace=NS)
        await run.settle(1)
        assert len(run.names(JOBS)) == 1
        assert status(run)["lastScheduleTime"] == "2026-01-01T00:05:00Z"


async def test_a_time_past_its_deadline_is_missed() -> None:
    async with running(CronJobController, objects=[cron_job("0 * * * *", startingDeadlineSeconds=20)]) as run:
        await run.client.patch(CRON_JOBS, "tick", {"spec": {"suspend": True}}, namespace=NS)
        await minutes(run, 61)
        await run.client.patch(CRON_JOBS, "tick", {"spec": {"suspend": False}}, namespace=NS)
        await run.settle(1)
        assert run.names(JOBS) == []


async def test_old_jobs_beyond_the_limits_go() -> None:
    limited = cron_job(successfulJobsHistoryLimit=2, failedJobsHistoryLimit=1)
    async with running(CronJobController, objects=[limited]) as run:
        for condition in ("Complete", "Failed", "Complete", "Complete", "Failed"):
            await minutes(run, 1)
            await run.settle(1)
            await finish(run, run.names(JOBS)[-1], condition)
        await run.settle(1)
        kept = [item["status"]["conditions"][0]["type"] for item in run.client.all(JOBS)]
        assert sorted(kept) == ["Complete", "Complete", "Failed"]


async def test_a_job_of_that_time_that_is_already_there_is_taken_up() -> None:
    async with running(CronJobController, objects=[cron_job("*/5 * * * *")]) as run:
        await minutes(run, 5)
        await run.settle(1)
        (name,) = run.names(JOBS)
        clean = {"status": {"active": None, "lastScheduleTime": None}}
        await run.client.patch(CRON_JOBS, "tick", clean, namespace=NS, subresource="status")
        await run.settle(1)
        assert active(run) == [name]
        assert len(run.names(JOBS)) == 1


async def test_mistakes_are_events() -> None:
    for made, reason in (
        (cron_job("x"), "UnparseableSchedule"),
        (cron_job(timeZone="Mars/Phobos"), "UnknownTimeZone"),
        (cron_job("TZ=UTC * * * * *"), "UnsupportedSchedule"),
    ):
        async with running(CronJobController, objects=[made]) as run:
            await run.settle(1)
            assert reason in {found for found, _ in run.events("tick")}


async def test_many_missed_times_are_an_event_and_one_job() -> None:
    late = cron_job()
    late["metadata"]["creationTimestamp"] = "2025-12-31T00:00:00Z"
    async with running(CronJobController, objects=[late]) as run:
        await run.settle(1)
        assert len(run.names(JOBS)) == 1
        assert "TooManyMissedTimes" in {reason for reason, _ in run.events("tick")}


async def test_what_goes_wrong_with_a_job_is_said() -> None:
    def refuse(action: Action) -> None:
        if action.verb == "create" and action.resource == JOBS:
            raise Forbidden("exceeded quota")

    async with running(CronJobController, objects=[cron_job()]) as run:
        stop = run.client.on(refuse)
        await minutes(run, 1)
        await run.settle(1)
        assert ("FailedCreate", "Error creating job: exceeded quota") in run.events("tick")
        stop()
        await minutes(run, 1)
        first = run.get(JOBS, run.names(JOBS)[0])
        stranger = {**first, "metadata": {**first["metadata"], "name": "by-hand", "uid": "", "resourceVersion": ""}}
        run.client.add(stranger)
        await run.settle(1)
        message = "Saw a job that the controller did not create or forgot: by-hand"
        assert ("UnexpectedJob", message) in run.events("tick")
