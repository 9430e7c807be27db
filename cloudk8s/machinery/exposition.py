"""Prometheus' text format, version 0.0.4. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Final, Literal

from cloudk8s.machinery.go_text import format_float

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a metric; `time` where it matters when it was measured, `suffix` for parts of a histogram."""

    labels: Mapping[str, str]
    value: float
    time: datetime | None = None
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its values; `stage` is how stable upstream calls it, if it does."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    words: str
    stage: str = ""
    rows: list[Row] = field(default_factory=list)

    def add(self, labels: Mapping[str, str], value: float, time: datetime | None = None) -> None:
        self.rows.append(Row(labels, value, time))

    def add_histogram(
        self, labels: Mapping[str, str], bounds: Sequence[float], counts: Sequence[int], total: float
    ) -> None:
        """One series: `counts` of each bucket alone, one more than there are bounds; `total` of all values."""
        reached = 0
        for bound, count in zip((*bounds, inf), counts, strict=True):
            reached += count
            end = "+Inf" if bound == inf else format_float(float(bound))
            self.rows.append(Row({**labels, "le": end}, reached, suffix="_bucket"))
        self.rows.append(Row(labels, total, suffix="_sum"))
        self.rows.append(Row(labels, reached, suffix="_count"))


def page(families: Iterable[Family]) -> str:
    """The text; families without values are left out."""
    return "".join(_family(family) for family in families if family.rows)


def _family(family: Family) -> str:
    stage = f"[{family.stage}] " if family.stage else ""
    lines = [f"# HELP {family.name} {stage}{family.words}", f"# TYPE {family.name} {family.kind}"]
    lines += [_line(family.name + row.suffix, row) for row in family.rows]
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
