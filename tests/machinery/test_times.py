from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery import times
from cloudk8s.machinery.times import TimeError

_MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def test_times_are_written_as_upstream_writes_them() -> None:
    assert times.format_time(_MOMENT) == "2026-01-02T03:04:05Z"
    assert times.format_micro_time(_MOMENT) == "2026-01-02T03:04:05.678901Z"


def test_any_offset_and_precision_is_read() -> None:
    assert times.parse_time("2026-01-02T03:04:05.678901234Z") == _MOMENT
    assert times.parse_time("2026-01-02T05:04:05.678901+02:00") == _MOMENT
    assert times.parse_time("2026-01-01T22:04:05-05:00") == _MOMENT.replace(microsecond=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'),
        ("2020-01-01", 'parsing time "2020-01-01" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'),
        ("2020-13-01T00:00:00Z", 'parsing time "2020-13-01T00:00:00Z": month out of range'),
        ("2021-02-29T00:00:00Z", 'parsing time "2021-02-29T00:00:00Z": day out of range'),
    ],
)
def test_bad_time_is_refused_in_gos_words(text: str, message: str) -> None:
    with pytest.raises(TimeError) as caught:
        times.parse_time(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (599, "9m59s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"), (3 * 3600, "3h"), (3 * 3600 + 60, "3h1m"), (8 * 3600, "8h"), (47 * 3600, "47h"),
        (48 * 3600, "2d"), (49 * 3600, "2d1h"), (8 * 86400, "8d"), (730 * 86400, "2y"), (731 * 86400, "2y1d"),
        (8 * 365 * 86400, "8y"),
    ],
)  # fmt: skip
def test_age_shows_two_to_three_figures(seconds: int, text: str) -> None:
    assert times.human_duration(timedelta(seconds=seconds)) == text


def test_short_age_shows_one_unit() -> None:
    assert [times.short_human_duration(timedelta(seconds=s)) for s in (59, 61, 7300, 90000)] == [
        "59s",
        "1m",
        "2h",
        "1d",
    ]


def test_age_of_an_object_without_a_time_is_unknown() -> None:
    assert times.age(None, _MOMENT) == "<unknown>"
    assert times.age("2026-01-02T03:03:05Z", _MOMENT) == "60s"


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(), "0s"), (timedelta(microseconds=5), "5µs"), (timedelta(milliseconds=1500), "1.5s"),
        (timedelta(microseconds=1500), "1.5ms"), (timedelta(hours=1), "1h0m0s"), (timedelta(seconds=-90), "-1m30s"),
    ],
)  # fmt: skip
def test_duration_is_written_as_go_writes_it(duration: timedelta, text: str) -> None:
    assert times.format_duration(duration) == text
    assert times.parse_duration(text) == duration


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", 'time: invalid duration "abc"'),
        ("", 'time: invalid duration ""'),
        ("5", 'time: missing unit in duration "5"'),
        ("5x", 'time: unknown unit "x" in duration "5x"'),
        (".s", 'time: invalid duration ".s"'),
    ],
)
def test_bad_duration_is_refused_in_gos_words(text: str, message: str) -> None:
    with pytest.raises(TimeError) as caught:
        times.parse_duration(text)
    assert str(caught.value) == message


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_micro_time_reads_back(moment: datetime) -> None:
    assert times.parse_time(times.format_micro_time(moment)) == moment


@given(st.timedeltas(timedelta(days=-1000), timedelta(days=1000)))
def test_duration_reads_back(duration: timedelta) -> None:
    assert times.parse_duration(times.format_duration(duration)) == duration
