"""Events of both groups, seen in their core form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import invalid, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.values import Errors, check_immutable, check_rule

_TEXT_MAX: Final = 128
_NOTE_MAX: Final = 1024
_OTHER_NAMESPACE: Final = "does not match event.namespace"
_FIXED: Final = (
    ("involvedObject", "ObjectReference"),
    ("reason", "string"),
    ("message", "string"),
    ("source", "EventSource"),
    ("firstTimestamp", "*time"),
    ("lastTimestamp", "*time"),
    ("count", "int"),
    ("reportingComponent", "string"),
    ("reportingInstance", "string"),
    ("type", "string"),
    ("eventTime", "*time"),
    ("action", "string"),
    ("related", "*ObjectReference"),
)


def check_event(errors: Errors, event: Mapping[str, Any], *, is_core: bool) -> None:
    """What holds for events since there are any; `is_core` tells which group's field names are in messages."""
    namespace = event["metadata"].get("namespace") or ""
    involved = (event.get("involvedObject") or {}).get("namespace") or ""
    at = "involvedObject.namespace"
    has_time = bool(event.get("eventTime"))
    if involved:
        fits = has_time or involved == namespace
    else:
        fits = namespace in (("default", "kube-system") if has_time else ("", "default"))
    if not fits:
        errors.append(invalid(at, involved, _OTHER_NAMESPACE))
    if has_time:
        _check_report(errors, event, "reportingComponent" if is_core else "reportingController")
    check_rule(errors, "namespace", namespace, names.dns_subdomain)


def check_new_event(errors: Errors, event: Mapping[str, Any]) -> None:
    """What events.k8s.io adds: the fields that it deprecates stay empty."""
    check_series(errors, event)
    if not event.get("eventTime"):
        errors.append(required("eventTime"))
    if (kind := event.get("type") or "") not in ("Normal", "Warning"):
        errors.append(invalid("type", "", f"has invalid value: {kind}"))
    for field in ("firstTimestamp", "lastTimestamp", "count"):
        if event.get(field):
            errors.append(invalid(field, "", "needs to be unset"))
    if any((event.get("source") or {}).values()):
        errors.append(invalid("source", "", "needs to be unset"))


def check_series(errors: Errors, event: Mapping[str, Any]) -> None:
    if (series := event.get("series")) is None:
        return
    if (series.get("count") or 0) < 2:
        errors.append(invalid("series.count", "", "should be at least 2"))
    if not series.get("lastObservedTime"):
        errors.append(required("series.lastObservedTime"))


def check_event_kept(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    """Only the series of an event of events.k8s.io changes."""
    for field, go_type in _FIXED:
        value, before = new.get(field) or None, old.get(field) or None
        name = "reportingController" if field == "reportingComponent" else field
        shown = (value or "") if go_type == "string" else go_json(value, go_type)
        check_immutable(errors, name, value, before, shown)


def _check_report(errors: Errors, event: Mapping[str, Any], controller_field: str) -> None:
    controller = event.get("reportingComponent") or ""
    if not controller:
        errors.append(required(controller_field))
    check_rule(errors, controller_field, controller, names.qualified_name)
    for field in ("reportingInstance", "action", "reason"):
        value = event.get(field) or ""
        if not value:
            errors.append(required(field))
        if len(value.encode()) > _TEXT_MAX:
            errors.append(invalid(field, "", f"can have at most {_TEXT_MAX} characters"))
    if len((event.get("message") or "").encode()) > _NOTE_MAX:
        errors.append(invalid("message", "", f"can have at most {_NOTE_MAX} characters"))
