"""Label and field selectors in text form, as far as `FakeClient` needs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from cloudk8s.errors import BadRequest

_SET = re.compile(r"^(?P<key>\S+)\s+(?P<operator>in|notin)\s+\((?P<values>[^)]*)\)$")
_COMPARE = re.compile(r"^(?P<key>[^!=\s]+)\s*(?P<operator>!=|==|=)\s*(?P<value>\S*)$")
_COMMA = re.compile(r",(?![^(]*\))")


def labels_match(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether labels satisfy a selector such as `app=web,tier in (a, b),!old`."""
    return all(_requirement(part.strip())(labels) for part in _COMMA.split(selector) if part.strip())


def fields_match(selector: str, obj: Mapping[str, Any]) -> bool:
    """Whether an object satisfies a selector such as `metadata.name=x,status.phase!=Failed`; any scalar field works."""
    for part in filter(None, selector.split(",")):
        found = _COMPARE.match(part)
        if not found:
            raise BadRequest(f"invalid selector: '{selector}'; can't understand '{part}'")
        if (_field(obj, found["key"]) == found["value"]) is (found["operator"] == "!="):
            return False
    return True


def _requirement(part: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _SET.match(part):
        key, inside = found["key"], found["operator"] == "in"
        values = {value.strip() for value in found["values"].split(",")}
        return lambda labels: (labels.get(key) in values) is inside
    if found := _COMPARE.match(part):
        name, wanted, equal = found["key"], found["value"], found["operator"] != "!="
        return lambda labels: (labels.get(name) == wanted) is equal
    if part.startswith("!"):
        return lambda labels: part[1:].strip() not in labels
    return lambda labels: part in labels


def _field(obj: Any, path: str) -> str:
    for step in path.split("."):
        obj = obj.get(step) if isinstance(obj, Mapping) else None
    if obj is None:
        return "false" if path == "spec.unschedulable" else ""
    return {True: "true", False: "false"}[obj] if isinstance(obj, bool) else str(obj)
