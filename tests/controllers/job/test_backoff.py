from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cloudk8s.controllers.job.backoff import Record, delay

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_delays_double_up_to_ten_minutes() -> None:
    assert [delay(n).total_seconds() for n in range(9)] == [0, 10, 20, 40, 80, 160, 320, 600, 600]
    assert delay(10**6) == timedelta(minutes=10)


def test_failures_add_up_until_a_success() -> None:
    record = Record().after([], [at(0), at(5)])
    assert (record.failures, record.left(at(10))) == (2, timedelta(seconds=15))
    assert record.after([], []) is record
    record = record.after([at(20)], [at(10), at(30)])
    assert (record.failures, record.left(at(30))) == (1, timedelta(seconds=10))
    assert record.after([at(40)], []).left(at(40)) == timedelta(0)
