"""Events of the core group and of events.k8s.io."""

from __future__ import annotations

from typing import Final

from cloudk8s.api.resource import Object

_NAMES: Final = (
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
)
"""Core name, name in events.k8s.io."""
_CORE_ALWAYS: Final = ("reportingComponent", "reportingInstance")
"""Fields that the core version writes even when they are empty."""


def to_events_group(obj: Object) -> Object:
    """core/v1 to events.k8s.io/v1."""
    result = _renamed(obj, "events.k8s.io/v1", dict(_NAMES))
    for name in ("reportingController", "reportingInstance"):
        if not result.get(name):
            result.pop(name, None)
    return result


def to_core(obj: Object) -> Object:
    """events.k8s.io/v1 to core/v1."""
    result = _renamed(obj, "v1", {new: old for old, new in _NAMES})
    for name in _CORE_ALWAYS:
        result.setdefault(name, "")
    return result


def _renamed(obj: Object, api_version: str, names: dict[str, str]) -> Object:
    head = {"kind": obj["kind"], "apiVersion": api_version, "metadata": obj["metadata"]}
    return head | {names.get(key, key): value for key, value in obj.items() if key not in head}
