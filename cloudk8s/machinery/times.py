"""Times and durations as Kubernetes writes them: RFC 3339, MicroTime, Go durations, the AGE of a table.

Times are timezone-aware `datetime`s in UTC, durations are `timedelta`s.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_RFC3339: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:(Z)|([+-])(\d{2}):(\d{2}))", re.ASCII
)
_DURATION: Final = re.compile(r"(\d*)(\.\d*)?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_NANOS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_MAX_NANOS: Final = 2**63 - 1


class TimeError(ValueError):
    """The text is not a time or duration; the message is that of Go's `time` package."""


def format_time(moment: datetime) -> str:
    """`metav1.Time`: whole seconds, in UTC."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{utc.year:04d}-{utc.month:02d}-{utc.day:02d}T{utc.hour:02d}:{utc.minute:02d}:{utc.second:02d}Z"


def format_micro_time(moment: datetime) -> str:
    """`metav1.MicroTime`: always six decimals, in UTC."""
    return f"{format_time(moment)[:-1]}.{moment.microsecond:06d}Z"


def parse_time(text: str) -> datetime:
    """Read RFC 3339 with any offset and any number of decimals (cut to microseconds). Raises TimeError."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise TimeError(f"parsing time {_quoted(text)} as {_quoted(_LAYOUT)}: {_time_problem(text)}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    microsecond = int((match[7] or "0").ljust(6, "0")[:6])
    _check_ranges(text, year, month, day, hour, minute, second)
    offset = timedelta(hours=int(match[10] or 0), minutes=int(match[11] or 0))
    moment = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
    return moment + offset if match[9] == "-" else moment - offset


def format_duration(duration: timedelta) -> str:
    """Go's `Duration.String()`: `1h2m3s`, `1.5s`, `100ms`, `0s`."""
    micros = duration // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    if micros == 0:
        return "0s"
    if micros < 1000:
        return f"{sign}{micros}µs"
    if micros < 10**6:
        return f"{sign}{_decimal(micros, 1000)}ms"
    minutes, rest = divmod(micros, 60 * 10**6)
    text = f"{_decimal(rest, 10**6)}s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}"
    return sign + text


def parse_duration(text: str) -> timedelta:
    """Go's `ParseDuration`: `300ms`, `-1.5h`, `2h45m`; cut to microseconds. Raises TimeError."""
    nanos = _parse_nanos(text)
    return timedelta(microseconds=nanos // 1000 if nanos >= 0 else -(-nanos // 1000))


def human_duration(duration: timedelta) -> str:
    """The AGE column: two units while the larger is small, then one (`2m5s`, `3h`, `5d12h`, `2y30d`)."""
    seconds = _whole_seconds(duration)
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    if seconds < 60 * 2:
        return f"{seconds}s"
    minutes = seconds // 60
    if minutes < 10:
        return _pair(minutes, "m", seconds % 60, "s")
    if minutes < 60 * 3:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 8:
        return _pair(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if hours < 24 * 8:
        return _pair(days, "d", hours % 24, "h")
    if hours < 24 * 365 * 2:
        return f"{days}d"
    years = days // 365
    return _pair(years, "y", days % 365, "d") if years < 8 else f"{years}y"


def short_human_duration(duration: timedelta) -> str:
    """One unit only, rounded down: `45s`, `3m`, `2d`."""
    seconds = _whole_seconds(duration)
    if seconds < -1:
        return "<invalid>"
    for size, unit in ((365 * 86400, "y"), (86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{max(0, seconds)}s"


def age(timestamp: str | None, now: datetime) -> str:
    """How long ago an object's timestamp was, for a table cell."""
    return human_duration(now - parse_time(timestamp)) if timestamp else "<unknown>"


_LAYOUT: Final = "2006-01-02T15:04:05Z07:00"
_ELEMENTS: Final = (
    (r"\d{4}", "2006"), ("-", "-"), (r"\d{2}", "01"), ("-", "-"), (r"\d{2}", "02"), ("T", "T"), (r"\d{1,2}", "15"),
    (":", ":"), (r"\d{2}", "04"), (":", ":"), (r"\d{2}(?:[.,]\d+)?", "05"), (r"Z|[+-]\d{2}:\d{2}", "Z07:00"),
)  # fmt: skip


def _time_problem(text: str) -> str:
    """What Go says about the first element of the layout that the text does not have."""
    for pattern, element in _ELEMENTS:
        match = re.match(pattern, text, re.ASCII)
        if match is None:
            return f"cannot parse {_quoted(text)} as {_quoted(element)}"
        text = text[match.end() :]
    return f"extra text: {_quoted(text)}"


def _check_ranges(text: str, year: int, month: int, day: int, hour: int, minute: int, second: int) -> None:
    problem = ""
    if not 1 <= month <= 12:
        problem = "month"
    elif not 1 <= day <= _days_in(year, month):
        problem = "day"
    elif hour > 23:
        problem = "hour"
    elif minute > 59:
        problem = "minute"
    elif second > 59:
        problem = "second"
    if problem or year == 0:
        raise TimeError(f"parsing time {_quoted(text)}: {problem or 'year'} out of range")


def _days_in(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _parse_nanos(text: str) -> int:
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    if not rest:
        raise TimeError(f"time: invalid duration {_quoted(text)}")
    total = 0
    while rest:
        match = _DURATION.match(rest)
        if match is None or not (match[1] or (match[2] or ".")[1:]):
            raise TimeError(_duration_problem(text, rest))
        fraction = (match[2] or ".")[1:]
        unit = _NANOS[match[3]]
        total += int(match[1] or "0") * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
        rest = rest[match.end() :]
    if total > _MAX_NANOS:
        raise TimeError(f"time: invalid duration {_quoted(text)}")
    return -total if text[0] == "-" else total


def _duration_problem(text: str, rest: str) -> str:
    number = re.match(r"\d+\.?\d*|\.\d+", rest, re.ASCII)
    if number is None:
        return f"time: invalid duration {_quoted(text)}"
    unit = re.match(r"[^0-9.]*", rest[number.end() :])
    if unit is None or not unit[0]:
        return f"time: missing unit in duration {_quoted(text)}"
    return f"time: unknown unit {_quoted(unit[0])} in duration {_quoted(text)}"


def _decimal(number: int, unit: int) -> str:
    whole, rest = divmod(number, unit)
    return f"{whole}.{str(rest + unit)[1:].rstrip('0')}" if rest else str(whole)


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"


def _whole_seconds(duration: timedelta) -> int:
    """Cut toward zero, as Go converts a float."""
    seconds = duration // timedelta(seconds=1)
    return seconds + 1 if seconds < 0 and duration % timedelta(seconds=1) else seconds


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
