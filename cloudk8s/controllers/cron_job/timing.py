"""Which time of a schedule is due, and when the next one is; pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, status_of
from cloudk8s.machinery.cron import Schedule, parse
from cloudk8s.machinery.times import parse_time

MARGIN: Final = timedelta(milliseconds=100)
"""How long after a time it is looked at, so that no clock says it is still to come."""
MANY: Final = 100
"""Missed times above which something is wrong."""


class TimingError(ValueError):
    """The schedule has no two times that are apart."""


@dataclass(frozen=True, slots=True)
class Due:
    """The latest time that has passed unused, if any, and how many there were in about."""

    since: datetime
    at: datetime | None = None
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Timing:
    """A CronJob's schedule in its time zone."""

    schedule: Schedule
    zone: tzinfo

    def due(self, cron_job: Object, now: datetime) -> Due:
        """What is due now; times before the starting deadline are not. Raises TimingError."""
        return self._latest(_since(cron_job, now), now)

    def wait(self, cron_job: Object, now: datetime) -> timedelta | None:
        """How long until the next time; None if there is none."""
        try:
            due = self._latest(_started_from(cron_job), now)
            last = due.at or (now if due.missed else due.since)
        except TimingError:
            last = now
        following = self._next(last)
        return following + MARGIN - now if following is not None else None

    def _latest(self, since: datetime, now: datetime) -> Due:
        first = self._next(since)
        if first is None or now < first:
            return Due(since)
        second = self._next(first)
        if second is None or now < second:
            return Due(since, first)
        between = round((second - first).total_seconds())
        if between < 1:
            raise TimingError("time difference between two schedules is less than 1 second")
        missed = int((now - first).total_seconds()) // between + 1
        # One step back from the estimate, for schedules whose times are not evenly spaced.
        found, candidate = None, self._next(first + timedelta(seconds=(missed - 2) * between))
        while candidate is not None and candidate <= now:
            found, candidate = candidate, self._next(candidate)
        return Due(since, found, missed)

    def _next(self, moment: datetime) -> datetime | None:
        return self.schedule.next_after(moment, self.zone)


def timing_of(cron_job: Object) -> Timing:
    """Read the schedule. Raises CronError; ValueError or KeyError for a time zone that is not known."""
    spec = spec_of(cron_job)
    text, zone = spec["schedule"], spec.get("timeZone")
    schedule = parse(text)
    return Timing(schedule, ZoneInfo(zone) if zone and "TZ" not in text else UTC)


def _started_from(cron_job: Object) -> datetime:
    last = status_of(cron_job).get("lastScheduleTime") or cron_job["metadata"]["creationTimestamp"]
    return parse_time(last)


def _since(cron_job: Object, now: datetime) -> datetime:
    since, deadline = _started_from(cron_job), spec_of(cron_job).get("startingDeadlineSeconds")
    return since if deadline is None else max(since, now - timedelta(seconds=int(deadline)))
