"""Cron schedules as upstream reads them (`robfig/cron`'s standard parser), and when they are next due.

Five fields (minute, hour, day of month, month, day of week), descriptors such as `@daily`, and `@every 1h30m`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

_DAYS_AHEAD: Final = 5 * 366
"""How far a schedule is followed before it counts as never due."""
_MONTH_NAMES: Final = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES.split(), 1)}
_DAYS: Final = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_DESCRIPTORS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_NUMBER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_DURATION: Final = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+|[+-]?0", re.ASCII)
_PART: Final = re.compile(r"([0-9.]+)([a-zµμ]+)")
_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class CronError(ValueError):
    """The schedule cannot be read; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Field:
    """What one field allows; `free` if it says nothing (`*`)."""

    allowed: frozenset[int]
    free: bool


_ANY: Final = Field(frozenset(), free=True)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Minutes of the calendar, or a constant delay."""

    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field
    every: timedelta | None = None
    zone: str = ""
    """The zone that the schedule itself names (`TZ=…`)."""

    def next_after(self, moment: datetime, zone: tzinfo = UTC) -> datetime | None:
        """The first time after `moment`, in UTC; None if there is none for years. `zone` is where clocks are read."""
        if self.every is not None:
            return (moment + self.every).replace(microsecond=0).astimezone(UTC)
        here = ZoneInfo(self.zone) if self.zone else zone
        today = moment.astimezone(here).date()
        for offset in range(_DAYS_AHEAD):
            day = today + timedelta(days=offset)
            if self._is_due(day) and (due := self._first_after(moment, day, here)) is not None:
                return due
        return None

    def _first_after(self, moment: datetime, day: date, zone: tzinfo) -> datetime | None:
        """The first time of a day; hours that are over are not gone through, for most of the cost is there."""
        hours = [hour for hour in sorted(self.hour.allowed) if _end_of(day, hour, zone) > moment]
        # A clock that is set back may bring an hour after the one that follows it.
        width = 1 if zone is UTC else 3
        for index in range(len(hours)):
            due = [at for hour in hours[index : index + width] for at in self._times(day, hour, zone) if at > moment]
            if due:
                return min(due)
        return None

    def _is_due(self, day: date) -> bool:
        if day.month not in self.month.allowed:
            return False
        by_day, by_weekday = day.day in self.day.allowed, day.isoweekday() % 7 in self.weekday.allowed
        if self.day.free or self.weekday.free:
            return by_day and by_weekday
        return by_day or by_weekday

    def _times(self, day: date, hour: int, zone: tzinfo) -> Iterator[datetime]:
        """All times of an hour; those that a clock change repeats come twice, those that it skips not at all."""
        for minute in self.minute.allowed:
            if zone is UTC:
                yield datetime.combine(day, time(hour, minute), UTC)
                continue
            for fold in (0, 1):
                local = datetime.combine(day, time(hour, minute, fold=fold), zone)
                at = local.astimezone(UTC)
                if at.astimezone(zone).replace(fold=0, tzinfo=None) == local.replace(fold=0, tzinfo=None):
                    yield at


def _end_of(day: date, hour: int, zone: tzinfo) -> datetime:
    """The last minute of an hour, where it comes twice the second one."""
    return datetime.combine(day, time(hour, 59, fold=1), zone).astimezone(UTC)


def parse(text: str) -> Schedule:
    """Read a schedule. Raises CronError."""
    if not text:
        raise CronError("empty spec string")
    zone = ""
    if text.startswith(("TZ=", "CRON_TZ=")):
        zone, _, text = text.partition("=")[2].partition(" ")
        _require_zone(zone)
        text = text.strip()
    if text.startswith("@"):
        return _descriptor(text, zone)
    return _fields(text, zone)


def _require_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise CronError(f"provided bad location {zone}: unknown time zone {zone}") from None


def _descriptor(text: str, zone: str) -> Schedule:
    if standard := _DESCRIPTORS.get(text):
        return _fields(standard, zone)
    if text.startswith("@every "):
        try:
            seconds = int(_seconds(text.removeprefix("@every ")))
        except ValueError as error:
            raise CronError(f"failed to parse duration {text}: {error}") from None
        delay = timedelta(seconds=max(1, seconds))
        return Schedule(_ANY, _ANY, _ANY, _ANY, _ANY, every=delay, zone=zone)
    raise CronError(f"unrecognized descriptor: {text}")


def _fields(text: str, zone: str) -> Schedule:
    parts = text.split()
    if len(parts) != 5:
        raise CronError(f"expected exactly 5 fields, found {len(parts)}: [{' '.join(parts)}]")
    minute, hour, day, month, weekday = parts
    return Schedule(
        _field(minute, 0, 59, {}),
        _field(hour, 0, 23, {}),
        _field(day, 1, 31, {}),
        _field(month, 1, 12, _MONTHS),
        _field(weekday, 0, 6, _DAYS),
        zone=zone,
    )


def _field(text: str, low: int, high: int, names: Mapping[str, int]) -> Field:
    allowed: set[int] = set()
    free = False
    for part in filter(None, text.split(",")):
        values, is_star = _range(part, low, high, names)
        allowed.update(values)
        free = free or is_star
    return Field(frozenset(allowed), free)


def _range(text: str, low: int, high: int, names: Mapping[str, int]) -> tuple[range, bool]:
    bounds, *steps = text.split("/")
    limits = bounds.split("-")
    is_star = limits[0] in ("*", "?")
    if is_star:
        start, end = low, high
    else:
        start = end = _value(limits[0], names)
        if len(limits) > 2:
            raise CronError(f"too many hyphens: {text}")
        if len(limits) == 2:
            end = _value(limits[1], names)
    step = 1
    if len(steps) > 1:
        raise CronError(f"too many slashes: {text}")
    if steps:
        step = _number(steps[0])
        if len(limits) == 1:
            end = high
    _require_range(text, start, end, step, low, high)
    return range(start, end + 1, step), is_star and step == 1


def _require_range(text: str, start: int, end: int, step: int, low: int, high: int) -> None:
    if start < low:
        raise CronError(f"beginning of range ({start}) below minimum ({low}): {text}")
    if end > high:
        raise CronError(f"end of range ({end}) above maximum ({high}): {text}")
    if start > end:
        raise CronError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise CronError(f"step of range should be a positive number: {text}")


def _value(text: str, names: Mapping[str, int]) -> int:
    found = names.get(text.lower())
    return _number(text) if found is None else found


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise CronError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    if (number := int(text)) < 0:
        raise CronError(f"negative number ({number}) not allowed: {text}")
    return number


def _seconds(text: str) -> float:
    """A Go duration. Raises ValueError with Go's message."""
    if not _DURATION.fullmatch(text):
        raise ValueError(_why_no_duration(text))
    total = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    return -total if text.startswith("-") else total


def _why_no_duration(text: str) -> str:
    for number, unit in re.findall(r"([0-9.]+)([^0-9.]*)", text.lstrip("+-")):
        if not unit and number:
            return f'time: missing unit in duration "{text}"'
        if unit not in _SECONDS and text.lstrip("+-")[:1].isdigit():
            return f'time: unknown unit "{unit}" in duration "{text}"'
    return f'time: invalid duration "{text}"'
