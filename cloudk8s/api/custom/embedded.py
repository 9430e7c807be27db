"""Objects inside objects (`x-kubernetes-embedded-resource`): they say what they are, and their metadata is checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cloudk8s.api.field_errors import FieldError, invalid, required
from cloudk8s.api.validation import names
from cloudk8s.machinery.schema import Schema


def embedded_in(value: Any, schema: Schema, path: str = "") -> Iterator[tuple[dict[str, Any], str]]:
    """Every embedded object inside a value, with its path; not the value itself."""
    if isinstance(value, list):
        pairs = [(item, schema.items, f"{path}[{index}]") for index, item in enumerate(value)]
    elif isinstance(value, dict):
        properties = schema.properties or {}
        pairs = [
            (item, properties.get(key) or schema.additional, f"{path}.{key}" if path else key)
            for key, item in value.items()
        ]
    else:
        return
    for item, child, inside in pairs:
        if child is None or child.name:
            continue
        if child.embedded and isinstance(item, dict):
            yield item, inside
        yield from embedded_in(item, child, inside)


def validate_embedded(obj: dict[str, Any], schema: Schema) -> list[FieldError]:
    """The findings of all embedded objects."""
    return [error for item, path in embedded_in(obj, schema) for error in _validate(item, path)]


def _validate(obj: dict[str, Any], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for key in ("apiVersion", "kind"):
        value = obj.get(key)
        if not value:
            found.append(required(f"{path}.{key}", "must not be empty"))
        elif not isinstance(value, str):
            found.append(invalid(f"{path}.{key}", value, "must be a string"))
        elif key == "apiVersion" and value.count("/") > 1:
            found.append(invalid(f"{path}.{key}", value, f"unexpected GroupVersion string: {value}"))
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if isinstance(name, str) and name:
        found += [invalid(f"{path}.metadata.name", name, text) for text in names.dns_subdomain(name)]
    return found
