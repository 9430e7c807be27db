"""Events of both groups."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from cloudk8s.api.printing.layout import UNKNOWN, Heading, Layout
from cloudk8s.api.printing.text import name_of, since
from cloudk8s.api.resource import Object


def _event(obj: Object, now: datetime) -> list[Any]:
    """Upstream's `printEvent`, over either group's field names."""
    is_core = obj["apiVersion"] == "v1"
    about = obj.get("involvedObject" if is_core else "regarding") or {}
    source = obj.get("source" if is_core else "deprecatedSource") or {}
    count = obj.get("count" if is_core else "deprecatedCount") or 0
    first = obj.get("firstTimestamp" if is_core else "deprecatedFirstTimestamp")
    last = obj.get("lastTimestamp" if is_core else "deprecatedLastTimestamp")
    series, moment = obj.get("series") or {}, obj.get("eventTime")
    first_text = since(first or moment, now)
    last_text = since(last, now) if last else first_text if moment else UNKNOWN
    if series:
        last_text, count = since(series.get("lastObservedTime"), now), series.get("count", 0)
    count = count or 1
    kind = about.get("kind", "").lower()
    return [
        last_text,
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath", ""),
        _source(source, obj),
        (obj.get("message" if is_core else "note") or "").strip(),
        first_text,
        count,
        name_of(obj),
    ]


def _source(source: Object, obj: Object) -> str:
    component = source.get("component") or obj.get("reportingComponent") or obj.get("reportingController") or ""
    host = source.get("host") or obj.get("reportingInstance") or ""
    if component == "" and host == "":
        return ""
    return f"{component}, {host}" if host else str(component)


_LAYOUT: Final = Layout(
    (
        Heading("Last Seen", "=The time at which the most recent occurrence of this event was recorded."),
        Heading("Type", "=Type of this event (Normal, Warning), new types could be added in the future"),
        Heading(
            "Reason",
            "=This should be a short, machine understandable string that gives the reason for the transition into the "
            "object's current status.",
        ),
        Heading("Object", "=The object that this event is about."),
        Heading("Subobject", "involvedObject.fieldPath|regarding.fieldPath", priority=1),
        Heading(
            "Source",
            "=The component reporting this event. Should be a short machine understandable string.",
            priority=1,
        ),
        Heading("Message", "=A human-readable description of the status of this operation."),
        Heading(
            "First Seen",
            "=The time at which the event was first recorded. (Time of server receipt is in TypeMeta.)",
            priority=1,
        ),
        Heading("Count", "=The number of times this event has occurred.", priority=1),
        Heading("Name", "metadata.name", priority=1, format="name"),
    ),
    _event,
)

TABLE: Final = {("", "events"): _LAYOUT, ("events.k8s.io", "events"): _LAYOUT}
