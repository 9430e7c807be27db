"""Cron schedules: what can be read, upstream's messages, and when they are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cloudk8s.machinery.cron import CronError, parse

START = datetime(2024, 2, 28, 12, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/5 * * * *", "2024-02-28T12:10"),
        ("7 12 * * *", "2024-02-29T12:07"),
        ("0 0 29 feb *", "2024-02-29T00:00"),
        ("0 0 1 * MON", "2024-03-01T00:00"),
        ("0 0 * * 1-5", "2024-02-29T00:00"),
        ("0 0 13 * fri", "2024-03-01T00:00"),
        ("30/10 3 * * ?", "2024-02-29T03:30"),
        ("@daily", "2024-02-29T00:00"),
        ("@yearly", "2025-01-01T00:00"),
        ("TZ=Asia/Tokyo 0 0 * * *", "2024-02-28T15:00"),
        ("0 0 31 2 *", None),
    ],
)
def test_next_time(text: str, expected: str | None) -> None:
    due = parse(text).next_after(START)
    assert (due and due.isoformat()[:16]) == expected


def test_constant_delay_drops_fractions() -> None:
    assert parse("@every 90s").next_after(START.replace(microsecond=5)) == START + timedelta(seconds=90)


def test_repeated_hour_is_due_twice_and_skipped_hour_never() -> None:
    berlin, schedule = ZoneInfo("Europe/Berlin"), parse("30 2 * * *")
    moment = datetime(2024, 10, 26, 20, tzinfo=UTC)
    times = []
    for _ in range(3):
        due = schedule.next_after(moment, berlin)
        assert due
        times.append(due.isoformat()[5:16])
        moment = due
    assert times == ["10-27T00:30", "10-27T01:30", "10-28T01:30"]
    spring = schedule.next_after(datetime(2024, 3, 30, 12, tzinfo=UTC), berlin)
    assert spring
    assert spring.isoformat()[:16] == "2024-04-01T00:30"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty spec string"),
        ("nope", "expected exactly 5 fields, found 1: [nope]"),
        ("61 * * * *", "end of range (61) above maximum (59): 61"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("0 0 * FOO *", 'failed to parse int from FOO: strconv.Atoi: parsing "FOO": invalid syntax'),
        ("-1 * * * *", 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'),
        ("@never", "unrecognized descriptor: @never"),
        ("@every x", 'failed to parse duration @every x: time: invalid duration "x"'),
        ("@every 5", 'failed to parse duration @every 5: time: missing unit in duration "5"'),
        ("TZ=Nowhere/City * * * * *", "provided bad location Nowhere/City: unknown time zone Nowhere/City"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(CronError, match=r".*") as caught:
        parse(text)
    assert str(caught.value) == message
