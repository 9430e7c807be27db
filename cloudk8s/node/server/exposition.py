"""Prometheus' text format. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cloudk8s.machinery.go_text import format_float


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a metric; `time` where it matters when it was measured."""

    labels: Mapping[str, str]
    value: float
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its values; `stage` is how stable upstream calls it, if it does."""

    name: str
    kind: Literal["counter", "gauge"]
    words: str
    stage: str = ""
    rows: list[Row] = field(default_factory=list)

    def add(self, labels: Mapping[str, str], value: float, time: datetime | None = None) -> None:
        self.rows.append(Row(labels, value, time))


def page(families: Iterable[Family]) -> str:
    """The text; families without values are left out."""
    return "".join(_family(family) for family in families if family.rows)


def _family(family: Family) -> str:
    stage = f"[{family.stage}] " if family.stage else ""
    lines = [f"# HELP {family.name} {stage}{family.words}", f"# TYPE {family.name} {family.kind}"]
    lines += [_line(family.name, row) for row in family.rows]
    return "\n".join(lines) + "\n"


def _line(name: str, row: Row) -> str:
    timed = f" {round(row.time.timestamp() * 1000)}" if row.time is not None else ""
    return f"{name}{_labels(row.labels)} {format_float(float(row.value))}{timed}"


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def names(families: Sequence[Family]) -> Mapping[str, Family]:
    """The families by name."""
    return {family.name: family for family in families}
