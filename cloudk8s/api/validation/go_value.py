"""Values as upstream's messages print them: Go structs as JSON, with Go's field names and order.

Upstream's findings quote internal structs, which carry no JSON tags: every field is printed, by its Go name, also
where it is empty. Types of `apimachinery` carry tags: they print by JSON name, without what is empty.
The types themselves are the table in `go_types`.
"""

from __future__ import annotations

import difflib
import json
from functools import lru_cache
from typing import Any, NamedTuple

from cloudk8s.api.field_errors import Rendered
from cloudk8s.api.validation.go_types import STRUCTS, TAGGED


class GoField(NamedTuple):
    name: str
    type: str
    path: tuple[str, ...]
    """Where its value is in the served object: one JSON name, none for an embedded struct, or a way up and down."""


def go_json(value: Any, type_name: str) -> Rendered:
    """One line of JSON, as `Invalid value: …` shows it."""
    tree = go_tree(value, type_name)
    return Rendered(_escaped(json.dumps(tree, separators=(",", ":"), ensure_ascii=False)))


def go_diff(old: Any, new: Any, type_name: str) -> str:
    """A unified diff of two values, as immutability messages append it."""
    left, right = (
        _escaped(json.dumps(go_tree(value, type_name), indent=1, ensure_ascii=False)) for value in (old, new)
    )
    lines = difflib.unified_diff(_lines(left), _lines(right), n=3, lineterm="\n")
    return "".join(line for line in lines if not line.startswith(("--- ", "+++ ")))


def go_tree(value: Any, type_name: str) -> Any:
    """The JSON tree that Go's encoder makes of `value` seen as `type_name`."""
    if type_name.startswith("[]"):
        return None if value is None else [go_tree(item, type_name[2:]) for item in value]
    if type_name.startswith("*"):
        return None if value is None else go_tree(value, type_name[1:])
    if type_name.startswith("map:"):
        return None if value is None else {key: go_tree(value[key], type_name[4:]) for key in sorted(value)}
    if type_name in TAGGED:
        return _tagged(value or {}, type_name)
    if type_name in STRUCTS:
        return _struct(value or {}, type_name)
    return _ZEROS.get(type_name) if value is None else value


_ZEROS: dict[str, Any] = {"string": "", "int": 0, "bool": False, "intstr": 0, "quantity": "0", "time": None}


def _struct(value: dict[str, Any], type_name: str) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for field in _fields(type_name):
        if not field.name:
            tree |= go_tree(value.get(field.path[0]) if field.path else value, field.type)
        elif field.path[0] == "^":
            tree[field.name] = go_tree(value.get("^", {}).get(field.path[1]), field.type)
        else:
            item = value.get(field.path[0])
            if field.type == "*PodSecurityContext" and item is not None:
                item = item | {"^": value}
            tree[field.name] = go_tree(item, field.type)
    return tree


def _tagged(value: dict[str, Any], type_name: str) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for part in TAGGED[type_name].split():
        name, _, item_type = part.partition(":")
        keep = name.endswith("!")
        name = name.removesuffix("!")
        item = value.get(name)
        if keep or item not in (None, "", [], {}, 0, False) or (item is not None and item_type.startswith("*")):
            tree[name] = go_tree(item, item_type)
    return tree


@lru_cache(maxsize=512)
def _fields(type_name: str) -> tuple[GoField, ...]:
    fields = []
    for part in STRUCTS[type_name].split():
        name, _, rest = part.partition(":")
        item_type, _, json_name = rest.partition("@")
        path = tuple((json_name or _json_name(name)).split("/")) if json_name or name else ()
        fields.append(GoField(name, item_type, path))
    return tuple(fields)


def _json_name(name: str) -> str:
    """`DNSPolicy` → `dnsPolicy`, `UID` → `uid`, `Name` → `name`."""
    upper = 0
    while upper < len(name) and name[upper].isupper():
        upper += 1
    if upper <= 1 or upper == len(name):
        return name[:upper].lower() + name[upper:]
    return name[: upper - 1].lower() + name[upper - 1 :]


def _escaped(text: str) -> str:
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
