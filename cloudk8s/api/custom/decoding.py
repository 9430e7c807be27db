"""Custom objects are decoded as plain JSON; then metadata is read as its type, and the rest pruned by the schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from cloudk8s.api.custom.embedded import embedded_in
from cloudk8s.api.custom.pruning import prune
from cloudk8s.api.resource import Object
from cloudk8s.machinery.schema import Schema

ReadMetadata: TypeAlias = Callable[[Any, str], tuple[Object, tuple[str, ...]]]
"""Metadata and its path, to metadata in its stored form and the unknown fields."""


def coerce(obj: Object, schema: Schema, read_metadata: ReadMetadata) -> tuple[str, ...]:
    """Bring a decoded custom object into form, in place; returns `unknown field "…"` findings, sorted by path."""
    unknown: list[str] = []
    obj["metadata"], found = read_metadata(obj.get("metadata") or {}, "metadata")
    unknown += found
    for inner, path in list(embedded_in(obj, schema)):
        if inner.get("metadata") is not None:
            inner["metadata"], found = read_metadata(inner["metadata"], f"{path}.metadata")
            unknown += found
    unknown += [f'unknown field "{path}"' for path in prune(obj, schema)]
    return tuple(sorted(unknown))


def whole_numbers(value: Any) -> Any:
    """Floats without a fraction as integers, which is how Go writes them again; in place, returns the value."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e21 else value
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list, float)):
                value[key] = whole_numbers(item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, (dict, list, float)):
                value[index] = whole_numbers(item)
    return value
