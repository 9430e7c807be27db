"""Fill in a schema's defaults, and drop nulls where null is no value, as upstream's structural defaulting does."""

from __future__ import annotations

from typing import Any

from cloudk8s.machinery import codec
from cloudk8s.machinery.schema import UNSET, Schema


def apply_defaults(obj: dict[str, Any], schema: Schema) -> None:
    """Default an object in place. Idempotent."""
    if has_defaults(schema):
        _default(obj, schema)
    _drop_nulls(obj, schema)


def has_defaults(schema: Schema) -> bool:
    """Whether anything in a schema has a default."""
    children = [*(schema.properties or {}).values(), *filter(None, (schema.additional, schema.items))]
    return any(not child.name and (child.default is not UNSET or has_defaults(child)) for child in children)


def _default(value: Any, schema: Schema) -> None:
    if isinstance(value, dict):
        _default_map(value, schema)
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            if _wants_default(item, schema.items):
                value[index] = codec.copy(schema.items.default)
            _default(value[index], schema.items)


def _default_map(value: dict[str, Any], schema: Schema) -> None:
    properties = schema.properties or {}
    for key, child in properties.items():
        if child.default is not UNSET and (key not in value or _wants_default(value[key], child)):
            value[key] = codec.copy(child.default)
    for key, item in value.items():
        child_schema = properties.get(key) or schema.additional
        if child_schema is None or child_schema.name:
            continue
        if _wants_default(item, child_schema):
            value[key] = codec.copy(child_schema.default)
        _default(value[key], child_schema)


def _wants_default(value: Any, schema: Schema) -> bool:
    return value is None and not schema.nullable and schema.default is not UNSET


def _drop_nulls(value: Any, schema: Schema) -> None:
    """Nulls of fields that are neither nullable nor have a default count as absent."""
    if isinstance(value, list):
        for item in value if schema.items is not None else ():
            _drop_nulls(item, schema.items)  # type: ignore[arg-type]
    elif isinstance(value, dict):
        for key, item in list(value.items()):
            child = (schema.properties or {}).get(key) or schema.additional
            if child is None or child.name:
                continue
            if item is None and not child.nullable and child.default is UNSET and not child.preserve_unknown:
                del value[key]
            else:
                _drop_nulls(item, child)
