"""Fold repeated events: aggregate many similar ones, count equal ones, cut off spam. Upstream's rules and numbers.

https://github.com/kubernetes/design-proposals-archive/blob/main/api-machinery/event_compression.md
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cloudk8s.client.interface import Object
from cloudk8s.machinery.clock import Clock

if TYPE_CHECKING:
    from cloudk8s.client.events import Happening

CACHE = 4096
SIMILAR = 10
SIMILAR_WITHIN = timedelta(minutes=10)
BURST = 25
REFILL = 1.0 / 300.0
SERIES_WITHIN = timedelta(minutes=6)
NOTE_LIMIT = 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What to write: `patch` to the event that is there, or `event` if it is new or has gone."""

    event: Object
    patch: dict[str, Any] | None


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class _Similar:
    notes: set[str] = field(default_factory=set)
    last: datetime | None = None


class _Recent(OrderedDict[Any, T], Generic[T]):
    """The last `CACHE` entries used."""

    def touch(self, key: Any, make: Any) -> T:
        if key in self:
            self.move_to_end(key)
        else:
            self[key] = make()
            if len(self) > CACHE:
                self.popitem(last=False)
        return self[key]


class EventCorrelator:
    """Turns happenings into writes; holds the last few thousand of each to compare with."""

    def __init__(self, *, clock: Clock, instance: str = "", series: bool = False) -> None:
        self._clock = clock
        self._instance = instance
        self._series = series
        self._buckets: _Recent[_Bucket] = _Recent()
        self._similar: _Recent[_Similar] = _Recent()
        self._written: _Recent[dict[str, Any]] = _Recent()
        self._last_name = 0

    def observe(self, happening: Happening) -> Recorded | None:
        """What to write for a happening; None when it is spam."""
        if self._series:
            return self._serialise(happening)
        if self._is_spam(happening):
            return None
        note = self._aggregate(happening)
        return self._count(happening, note)

    def _is_spam(self, happening: Happening) -> bool:
        now = self._clock.monotonic()
        key = (happening.component, happening.regarding.get("uid"), *_names(happening))
        bucket = self._buckets.touch(key, lambda: _Bucket(BURST, now))
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.at) * REFILL)
        bucket.at = now
        if bucket.tokens < 1:
            return True
        bucket.tokens -= 1
        return False

    def _aggregate(self, happening: Happening) -> str:
        """The note to write: one for all once more than ten differ only in their notes."""
        now = self._clock.now()
        key = (
            happening.component,
            happening.regarding.get("uid"),
            *_names(happening),
            happening.type,
            happening.reason,
        )
        similar = self._similar.touch(key, _Similar)
        if similar.last is None or now - similar.last > SIMILAR_WITHIN:
            similar.notes.clear()
        similar.last = now
        similar.notes.add(happening.note)
        if len(similar.notes) < SIMILAR:
            return happening.note
        similar.notes.pop()
        return "(combined from similar events): " + happening.note

    def _count(self, happening: Happening, note: str) -> Recorded:
        now = _seconds(self._clock.now())
        note = note[:NOTE_LIMIT]
        is_combined = note.startswith("(combined from similar events): ")
        about = happening.regarding
        key = (
            happening.component, about.get("uid"), *_names(happening), about.get("fieldPath"), happening.type,
            happening.reason, "" if is_combined else note,
        )  # fmt: skip
        known = self._written.get(key)
        if known is None:
            event = self._core_event(happening, note, now)
            self._written.touch(key, lambda: event)
            return Recorded(event, None)
        self._written.move_to_end(key)
        event = {**known, "count": known["count"] + 1, "lastTimestamp": now, "message": note}
        self._written[key] = event
        patch = {field: event[field] for field in ("count", "lastTimestamp", "message")}
        return Recorded({**event, "firstTimestamp": known["firstTimestamp"]}, patch)

    def _core_event(self, happening: Happening, note: str, now: str) -> Object:
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": self._metadata(happening),
            "involvedObject": happening.regarding,
            "reason": happening.reason,
            "message": note,
            "source": {"component": happening.component} | ({"host": self._instance} if self._instance else {}),
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": happening.type,
            "eventTime": None,
            "reportingComponent": happening.component,
            "reportingInstance": self._instance,
        }
        return event | ({"related": happening.related} if happening.related else {})

    def _serialise(self, happening: Happening) -> Recorded:
        now = self._clock.now()
        key = (happening.component, happening.type, happening.action, happening.reason, *happening.regarding.items())
        known = self._written.get(key)
        if known is not None and now - known["last"] <= SERIES_WITHIN:
            self._written.move_to_end(key)
            known["last"] = now
            known["count"] += 1
            series = {"count": known["count"], "lastObservedTime": _micros(now)}
            return Recorded({**known["event"], "series": series}, {"series": series})
        event = self._new_event(happening, now)
        self._written.pop(key, None)
        self._written.touch(key, lambda: {"event": event, "count": 1, "last": now})
        return Recorded(event, None)

    def _new_event(self, happening: Happening, now: datetime) -> Object:
        event = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": self._metadata(happening),
            "eventTime": _micros(now),
            "reportingController": happening.component,
            "reportingInstance": self._instance or happening.component,
            "action": happening.action or happening.reason,
            "reason": happening.reason,
            "regarding": happening.regarding,
            "note": happening.note[:NOTE_LIMIT],
            "type": happening.type,
        }
        return event | ({"related": happening.related} if happening.related else {})

    def _metadata(self, happening: Happening) -> dict[str, str]:
        """Upstream's name: the object's and the time in nanoseconds, in hexadecimal; never the same twice."""
        nanoseconds = int(self._clock.now().timestamp() * 1_000_000) * 1000
        self._last_name = max(nanoseconds, self._last_name + 1)
        about = happening.regarding
        name = f"{about.get('name', '')}.{self._last_name:x}"
        return {"name": name, "namespace": about.get("namespace") or "default"}


def _names(happening: Happening) -> tuple[Any, ...]:
    about = happening.regarding
    return about.get("apiVersion"), about.get("kind"), about.get("namespace"), about.get("name")


def _seconds(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _micros(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
