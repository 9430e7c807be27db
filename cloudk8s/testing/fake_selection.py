"""Label and field selectors in text form, for `FakeClient`: any scalar field of an object can be selected by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.client.interface import ListOptions, Object
from cloudk8s.machinery import fields, labels


def labels_match(selector: str, values: Mapping[str, str]) -> bool:
    """Whether labels satisfy a selector such as `app=web,tier in (a, b),!old`."""
    return labels.parse(selector).matches(values)


def fields_match(selector: str, obj: Mapping[str, Any]) -> bool:
    """Whether an object satisfies a selector such as `metadata.name=x,status.phase!=Failed`."""
    parsed = fields.parse(selector)
    return parsed.matches({path: _field(obj, path) for path in parsed.fields})


def is_selected(obj: Object, namespace: str, options: ListOptions) -> bool:
    """Whether a list or watch with these options has the object in it."""
    metadata = obj["metadata"]
    if namespace and metadata.get("namespace", namespace) != namespace:
        return False
    if options.label_selector and not labels_match(options.label_selector, metadata.get("labels") or {}):
        return False
    return not options.field_selector or fields_match(options.field_selector, obj)


def _field(obj: Any, path: str) -> str:
    for step in path.split("."):
        obj = obj.get(step) if isinstance(obj, Mapping) else None
    if obj is None:
        return "false" if path == "spec.unschedulable" else ""
    return {True: "true", False: "false"}[obj] if isinstance(obj, bool) else str(obj)
