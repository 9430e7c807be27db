"""Lines of a container's log in CRI's format, and which of them were asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from cloudk8s.machinery.times import TimeError, format_time, parse_time


class BadOption(ValueError):
    """An option of a log request has no meaning."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What part of a log is wanted; `since` in RFC 3339, compared as text with the log's own times."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: str = ""
    tail: int | None = None
    limit_bytes: int | None = None
    stream: str = "All"


class Line(NamedTuple):
    """One line: its content ends with a newline, unless it is a piece of a longer line."""

    time: bytes
    stream: bytes
    content: bytes


def parse_options(query: Mapping[str, str], now: datetime) -> LogOptions:
    """Read a request's query; BadOption where a value is none."""
    since = ""
    if query.get("sinceSeconds") and query.get("sinceTime"):
        raise BadOption("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if query.get("sinceSeconds"):
        since = _stamp(now - timedelta(seconds=_number(query, "sinceSeconds", least=1)))
    elif query.get("sinceTime"):
        try:
            since = _stamp(parse_time(query["sinceTime"]))
        except TimeError as error:
            raise BadOption(str(error)) from error
    stream = query.get("stream") or "All"
    if stream not in ("All", "Stdout", "Stderr"):
        raise BadOption(f"stream: Unsupported value: {stream!r}")
    return LogOptions(
        follow=_flag(query, "follow"),
        previous=_flag(query, "previous"),
        timestamps=_flag(query, "timestamps"),
        since=since,
        tail=_number(query, "tailLines", least=0) if query.get("tailLines") else None,
        limit_bytes=_number(query, "limitBytes", least=1) if query.get("limitBytes") else None,
        stream=stream,
    )


def parse(line: bytes) -> Line | None:
    """Read one line of the file, without its newline; None for one that is not in the format."""
    parts = line.split(b" ", 3)
    if len(parts) < 3:
        return None
    content = parts[3] if len(parts) == 4 else b""
    is_piece = parts[2].split(b":")[0] == b"P"
    return Line(parts[0], parts[1], content if is_piece else content + b"\n")


class Selection:
    """Chooses and renders lines one after another; `is_full` once the byte limit is reached."""

    def __init__(self, options: LogOptions) -> None:
        self._since = options.since.encode()
        self._timestamps = options.timestamps
        self._stream = b"" if options.stream == "All" else options.stream.lower().encode()
        self._left = options.limit_bytes

    @property
    def is_full(self) -> bool:
        return self._left is not None and self._left <= 0

    def render(self, line: bytes) -> bytes:
        """What is sent for a line of the file; empty for one that was not asked for."""
        parsed = parse(line)
        if parsed is None or parsed.time < self._since or (self._stream and parsed.stream != self._stream):
            return b""
        out = parsed.time + b" " + parsed.content if self._timestamps else parsed.content
        if self._left is not None:
            out = out[: self._left]
            self._left -= len(out)
        return out


def _stamp(moment: datetime) -> str:
    return f"{format_time(moment)[:-1]}.{moment.microsecond:06d}"


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1", "t")


def _number(query: Mapping[str, str], name: str, *, least: int) -> int:
    try:
        number = int(query[name])
    except ValueError as error:
        raise BadOption(f"{name}: Invalid value: {query[name]!r}: must be an integer") from error
    if number < least:
        raise BadOption(f"{name}: Invalid value: {number}: must be greater than or equal to {least}")
    return number
