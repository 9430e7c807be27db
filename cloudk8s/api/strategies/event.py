"""Events, of both groups."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.api.conversion import convert
from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.core.event import check_event, check_event_kept, check_new_event, check_series

_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
SELECTABLE = frozenset(
    {
        *(f"involvedObject.{field}" for field in _REFERENCE),
        "reason",
        "reportingComponent",
        "source",
        "type",
    }
)
_NEW_LABELS = {
    **{f"regarding.{field}": f"involvedObject.{field}" for field in _REFERENCE},
    "reason": "reason",
    "reportingController": "reportingComponent",
    "type": "type",
}


class EventStrategy(BuiltinStrategy):
    """The Event kind of the core group and, in its other form, of events.k8s.io: one object in two forms."""

    allow_create_on_update = True
    checks_own_metadata = False

    def set_defaults(self, obj: Object) -> None:
        """Fields that upstream always writes."""
        if obj.get("apiVersion") == "events.k8s.io/v1":
            for key, zero in (("deprecatedSource", {}), ("deprecatedFirstTimestamp", None)):
                obj.setdefault(key, zero)
            obj.setdefault("deprecatedLastTimestamp", None)
            obj.setdefault("regarding", {})
            obj.setdefault("eventTime", None)
            return
        obj.setdefault("involvedObject", {})
        for key in ("firstTimestamp", "lastTimestamp", "eventTime"):
            obj.setdefault(key, None)
        obj.setdefault("source", {})
        for key in ("reportingComponent", "reportingInstance"):
            obj.setdefault(key, "")

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        is_new = obj.get("apiVersion") == "events.k8s.io/v1"
        reference = obj.get("regarding" if is_new else "involvedObject") or {}
        source = obj.get("deprecatedSource" if is_new else "source") or {}
        reporter = obj.get("reportingController" if is_new else "reportingComponent") or ""
        fields = {f"involvedObject.{field}": reference.get(field, "") for field in _REFERENCE}
        fields |= {"reason": obj.get("reason", ""), "type": obj.get("type", "")}
        fields |= {"reportingComponent": reporter, "source": source.get("component") or reporter}
        return fields

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return SELECTABLE

    def check_create(self, obj: Object) -> list[FieldError]:
        event, is_core = _core_form(obj)
        errors: list[FieldError] = []
        check_event(errors, event, is_core=is_core)
        if not is_core:
            errors += self.check_metadata(obj)
            check_new_event(errors, event)
        return errors

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        event, is_core = _core_form(new)
        errors: list[FieldError] = []
        check_event(errors, event, is_core=is_core)
        if not is_core:
            errors += metadata.validate_update(new["metadata"], old["metadata"])
            check_series(errors, event)
            check_event_kept(errors, event, _core_form(old)[0])
        return errors


class NewEventStrategy(EventStrategy):
    """The Event kind of events.k8s.io, whose fields have other names; the stored object is that of the core group."""

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset(_NEW_LABELS)

    @property
    def field_labels(self) -> Mapping[str, str]:
        return _NEW_LABELS


def _core_form(obj: Object) -> tuple[Object, bool]:
    """The event in its core form, and whether that is the form it came in."""
    is_core = obj.get("apiVersion") != "events.k8s.io/v1"
    return (obj if is_core else convert(obj, "v1")), is_core
