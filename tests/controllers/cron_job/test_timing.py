from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.controllers.cron_job.timing import timing_of

NOW = datetime(2026, 3, 10, 12, 30, 30, tzinfo=UTC)


def cron_job(schedule: str, *, created: str = "2026-03-10T12:00:00Z", last: str = "", **spec: Any) -> Object:
    status = {"lastScheduleTime": last} if last else {}
    metadata = {"name": "c", "creationTimestamp": created}
    return {"metadata": metadata, "spec": {"schedule": schedule, **spec}, "status": status}


@pytest.mark.parametrize(
    ("given", "due", "missed"),
    [
        (cron_job("0 * * * *"), None, 0),
        (cron_job("15 * * * *"), "12:15", 0),
        (cron_job("*/10 * * * *"), "12:30", 3),
        (cron_job("* * * * *", last="2026-03-10T12:29:00Z"), "12:30", 0),
        (cron_job("* * * * *", last="2026-03-10T12:30:00Z"), None, 0),
        (cron_job("*/10 * * * *", startingDeadlineSeconds=10), None, 0),
        (cron_job("*/10 * * * *", startingDeadlineSeconds=60), "12:30", 0),
        (cron_job("* * * * *", created="2026-03-10T08:00:00Z"), "12:30", 270),
        (cron_job("0 6-16/4 * * 1-5", created="2026-03-01T00:00:00Z"), "10:00", 50),
        (cron_job("@every 7m", created="2026-03-10T12:00:10Z"), "12:28:10", 4),
        (cron_job("59 23 31 2 *"), None, 0),
    ],
)
def test_the_latest_time_that_passed_is_due(given: Object, due: str | None, missed: int) -> None:
    found = timing_of(given).due(given, NOW)
    assert (found.at and found.at.strftime("%H:%M:%S")) == (due and f"{due}:00"[:8])
    assert found.missed == missed


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (cron_job("0 * * * *"), 29 * 60 + 30),
        (cron_job("* * * * *", last="2026-03-10T12:30:00Z"), 30),
        (cron_job("*/10 * * * *"), 9 * 60 + 30),
        (cron_job("@every 7m", last="2026-03-10T12:28:10Z"), 4 * 60 + 40),
    ],
)
def test_the_next_look_comes_just_after_the_next_time(given: Object, seconds: int) -> None:
    assert timing_of(given).wait(given, NOW) == timedelta(seconds=seconds, milliseconds=100)


def test_a_schedule_without_times_needs_no_look() -> None:
    given = cron_job("59 23 31 2 *")
    assert timing_of(given).wait(given, NOW) is None


def test_clocks_are_read_in_the_time_zone() -> None:
    given = cron_job("0 21 * * *", created="2026-03-10T11:00:00Z", timeZone="Asia/Tokyo")
    found = timing_of(given).due(given, NOW)
    assert found.at == datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
