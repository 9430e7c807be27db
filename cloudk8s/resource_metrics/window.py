"""The last two looks at a node, and what was used between them. Pure.

The rules are metrics-server's: a container that started less than one period ago counts from its start, once it is
ten seconds old; one that restarted in between is not known until the next look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cloudk8s.api.resource_metrics.usage import Measurement, Usage
from cloudk8s.resource_metrics.page import Page, PodKey, Point

_FRESH_SECONDS: Final = 10.0
"""Over less than this a rate says nothing."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Two looks at the same thing; what was used between them."""

    before: Point
    after: Point

    @property
    def seconds(self) -> float:
        return self.after.time - self.before.time

    def usage(self) -> Usage:
        cores = (self.after.cpu_seconds - self.before.cpu_seconds) / self.seconds
        return Usage(int(cores * 1e9), self.after.memory_bytes)


@dataclass(frozen=True, slots=True)
class Window:
    """What is known of one node; `period` is the seconds between two looks."""

    period: float
    last: Page = field(default_factory=Page)
    node: Interval | None = None
    pods: Mapping[PodKey, Mapping[str, Interval]] = field(default_factory=dict)

    def then(self, page: Page) -> Window:
        """With the next look."""
        pods = {key: self._pod(key, found) for key, found in page.pods.items()}
        return Window(self.period, page, self._node(page.node), pods)

    def of_node(self) -> Measurement | None:
        return None if self.node is None else _measurement({"": self.node})

    def of_pod(self, namespace: str, name: str) -> Measurement | None:
        """What all containers used; None as long as one is not known."""
        found = self.pods.get((namespace, name))
        if not found or found.keys() != self.last.pods[namespace, name].keys():
            return None
        return _measurement(found)

    def _node(self, new: Point | None) -> Interval | None:
        return None if new is None else _interval(self.last.node, new, self.node)

    def _pod(self, key: PodKey, containers: Mapping[str, Point]) -> Mapping[str, Interval]:
        before, known = self.last.pods.get(key, {}), self.pods.get(key, {})
        found = {}
        for name, point in containers.items():
            interval = self._from_start(point) or _interval(before.get(name), point, known.get(name))
            if interval is not None:
                found[name] = interval
        return found

    def _from_start(self, point: Point) -> Interval | None:
        is_fresh = point.started > 0 and _FRESH_SECONDS <= point.time - point.started < self.period
        return Interval(Point(point.started), point) if is_fresh else None


def _interval(old: Point | None, new: Point, known: Interval | None) -> Interval | None:
    """Between two looks; a look that found the same moment again changes nothing, a restart ends everything."""
    if old is None or new.started >= old.time or new.cpu_seconds < old.cpu_seconds:
        return None
    return Interval(old, new) if new.time > old.time else known


def _measurement(intervals: Mapping[str, Interval]) -> Measurement:
    """Of several intervals, time and length are those of the earliest."""
    first = min(intervals.values(), key=lambda interval: interval.after.time)
    moment = datetime.fromtimestamp(first.after.time, UTC)
    window = timedelta(milliseconds=round(first.seconds * 1000))
    return Measurement(moment, window, {name: interval.usage() for name, interval in intervals.items()})
