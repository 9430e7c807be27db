"""The promises of `x-kubernetes-list-type`: items of sets and keys of list maps are unique."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.field_errors import FieldError, duplicate
from cloudk8s.machinery import codec
from cloudk8s.machinery.schema import UNSET, Schema


def validate_lists(value: Any, schema: Schema, path: str = "") -> list[FieldError]:
    """Duplicates in all sets and list maps inside a value."""
    if isinstance(value, list):
        return _list(value, schema, path)
    found: list[FieldError] = []
    if isinstance(value, dict):
        for key, item in value.items():
            child = (schema.properties or {}).get(key) or schema.additional
            if child is not None and not child.name:
                found += validate_lists(item, child, f"{path}.{key}" if path else key)
    return found


def _list(value: list[Any], schema: Schema, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    if schema.list_type == "set":
        found += _duplicates(value, path)
    elif schema.list_type == "map":
        found += _duplicates([_keys(item, schema) for item in value], path)
    for index, item in enumerate(value) if schema.items is not None else ():
        found += validate_lists(item, schema.items, f"{path}[{index}]")  # type: ignore[arg-type]
    return found


def _keys(item: Any, schema: Schema) -> Any:
    """The part of an item that identifies it, defaults filled in."""
    if not isinstance(item, dict):
        return item
    properties = schema.items.properties if schema.items and schema.items.properties else {}
    keys = {}
    for key in schema.list_map_keys:
        default = properties[key].default if key in properties else UNSET
        if key in item:
            keys[key] = item[key]
        elif default is not UNSET:
            keys[key] = default
    return keys


def _duplicates(items: list[Any], path: str) -> list[FieldError]:
    seen: set[bytes] = set()
    found: list[FieldError] = []
    for index, item in enumerate(items):
        text = codec.encode_sorted(item)
        if text in seen:
            found.append(duplicate(f"{path}[{index}]", item))
        seen.add(text)
    return found
