"""Drop what a schema does not specify, as upstream's structural pruning does."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.machinery.schema import Schema

_TYPE_META: Final = frozenset({"apiVersion", "kind", "metadata"})


def prune(obj: dict[str, Any], schema: Schema) -> list[str]:
    """Drop unspecified fields in place; returns the paths of what was dropped, sorted.

    Metadata is left alone, that of embedded resources too.
    """
    dropped: list[str] = []
    _prune_map(obj, schema, "", dropped, is_resource=True)
    return sorted(dropped)


def _prune(value: Any, schema: Schema, path: str, dropped: list[str]) -> None:
    if isinstance(value, dict):
        _prune_map(value, schema, path, dropped, is_resource=schema.embedded)
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            _prune(item, schema.items, f"{path}[{index}]", dropped)


def _prune_map(value: dict[str, Any], schema: Schema, path: str, dropped: list[str], *, is_resource: bool) -> None:
    properties = schema.properties or {}
    unknown: list[str] = []
    for key, item in value.items():
        if is_resource and key in _TYPE_META:
            continue
        inside = f"{path}.{key}" if path else key
        if (child := properties.get(key)) is not None:
            _prune(item, child, inside, dropped)
        elif schema.additional is not None:
            _prune(item, schema.additional, inside, dropped)
        elif not schema.preserve_unknown:
            unknown.append(key)
            dropped.append(inside)
    for key in unknown:
        del value[key]
