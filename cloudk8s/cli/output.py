"""The only place that prints: tables, JSON, YAML, progress, errors. `NO_COLOR` is respected."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from cloudk8s.machinery import codec, yaml_codec


class Format(StrEnum):
    """How data is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def say(text: str = "") -> None:
    """One line of result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def step(text: str) -> None:
    """One line of progress; it goes to standard error so that results can be piped."""
    sys.stderr.write(f"{_paint('✓', '32', sys.stderr)} {text}\n")
    sys.stderr.flush()


def note(text: str) -> None:
    """One line about what is waited for, or what a person should know; to standard error."""
    sys.stderr.write(f"{_paint('…', '33', sys.stderr)} {text}\n")
    sys.stderr.flush()


def event(data: Mapping[str, Any]) -> None:
    """One line of progress for programs: a JSON object, with the time; to standard error."""
    from datetime import UTC, datetime

    entry = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **data}
    sys.stderr.write(codec.encode(entry).decode() + "\n")
    sys.stderr.flush()


def error(text: str) -> None:
    """One line that says what went wrong and what to do."""
    sys.stderr.write(f"{_paint('error:', '31', sys.stderr)} {text}\n")


def show(data: Any, format: Format, columns: Mapping[str, str] | None = None) -> None:
    """Print data: objects as JSON or YAML, rows as a table of `columns` (title: key)."""
    if format is Format.JSON:
        say(_indented(data))
    elif format is Format.YAML:
        say(yaml_codec.encode(data).decode().rstrip())
    else:
        rows: Sequence[Mapping[str, Any]] = data if isinstance(data, list) else [data]
        table(rows, columns or {key.upper(): key for key in (rows[0] if rows else {})})


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Aligned columns, the way kubectl prints them."""
    cells = [list(columns)] + [[_cell(row.get(key)) for key in columns.values()] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    for line in cells:
        say("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "<none>"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value)) or "<none>"
    return str(value)


def _indented(data: Any) -> str:
    import json

    return json.dumps(codec.decode(codec.encode(data)), indent=2)


def _paint(text: str, code: str, stream: Any) -> str:
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return f"\x1b[{code}m{text}\x1b[0m"
