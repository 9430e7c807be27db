"""What a definition's schema may not use at all, before its structure is looked at.

See `ValidateCustomResourceDefinitionOpenAPISchema` in apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloudk8s.api.custom.values import compile_pattern
from cloudk8s.api.field_errors import FieldError, forbidden, invalid, not_supported, required

Raw = Mapping[str, Any]

_UNSUPPORTED: Final = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_SCALARS: Final = ("string", "integer", "number", "boolean")
_LIST_TYPES: Final = ("atomic", "set", "map")
_MAP_TYPES: Final = ("atomic", "granular")
_KEYED: Final = "this property is in x-kubernetes-list-map-keys, so it "


def check_schema(schema: Raw, path: str) -> list[FieldError]:
    """The findings of a schema and all schemas inside it."""
    return [
        *_unsupported(schema, path),
        *_combinations(schema, path),
        *_inside(schema, path),
        *_extensions(schema, path),
    ]


def children(schema: Raw, path: str) -> Iterator[tuple[Raw, str]]:
    """The schemas directly inside a schema, with their paths."""
    if isinstance(inner := schema.get("additionalProperties"), Mapping):
        yield inner, f"{path}.additionalProperties"
    for name, inner in sorted((schema.get("properties") or {}).items()):
        yield inner, f"{path}.properties[{name}]"
    if isinstance(inner := schema.get("not"), Mapping):
        yield inner, f"{path}.not"
    for key in ("allOf", "oneOf", "anyOf"):
        for index, inner in enumerate(schema.get(key) or ()):
            yield inner, f"{path}.{key}[{index}]"
    if isinstance(inner := schema.get("items"), Mapping):
        yield inner, f"{path}.items"


def _unsupported(schema: Raw, path: str) -> Iterator[FieldError]:
    for key in _UNSUPPORTED:
        if schema.get(key) not in (None, "", {}, []):
            yield forbidden(f"{path}.{key}", f"{key} is not supported")
    if schema.get("type") == "null":
        yield forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    if isinstance(schema.get("items"), list):
        yield forbidden(f"{path}.items", "items must be a schema object and not an array")


def _combinations(schema: Raw, path: str) -> Iterator[FieldError]:
    if schema.get("uniqueItems"):
        text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden(f"{path}.uniqueItems", text)
    additional = schema.get("additionalProperties")
    if additional is not None and additional is not True and schema.get("properties"):
        yield forbidden(f"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive")
    if (pattern := schema.get("pattern")) and compile_pattern(pattern) is None:
        yield invalid(f"{path}.pattern", pattern, "must be a valid regular expression, but isn't: error parsing regexp")


def _inside(schema: Raw, path: str) -> Iterator[FieldError]:
    for inner, where in children(schema, path):
        yield from check_schema(inner, where)


def _extensions(schema: Raw, path: str) -> Iterator[FieldError]:
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        yield invalid(f"{path}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined")
    yield from _kind_of(schema, path, "x-kubernetes-map-type", "object", _MAP_TYPES)
    yield from _kind_of(schema, path, "x-kubernetes-list-type", "array", _LIST_TYPES)
    yield from _list_map(schema, path)
    yield from _rules(schema, path)


def _kind_of(schema: Raw, path: str, key: str, type: str, known: tuple[str, ...]) -> Iterator[FieldError]:
    value = schema.get(key)
    if value is None:
        return
    if schema.get("type") != type:
        text = f"must be {type} if {key} is specified"
        found = schema.get("type")
        yield invalid(f"{path}.type", found, text) if found else required(f"{path}.type", text)
    if value not in known:
        yield not_supported(f"{path}.{key}", value, known)


def _list_map(schema: Raw, path: str) -> Iterator[FieldError]:
    list_type, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or []
    if keys and list_type != "map":
        text = "must be map if x-kubernetes-list-map-keys is non-empty"
        where = f"{path}.x-kubernetes-list-type"
        yield invalid(where, list_type, text) if list_type is not None else required(where, text)
    if list_type != "map":
        return
    items = schema.get("items")
    if not keys:
        yield required(f"{path}.x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map")
    if not isinstance(items, Mapping):
        yield required(f"{path}.items", "must have a schema if x-kubernetes-list-type is map")
        return
    if items.get("type") != "object":
        text = "must be object if parent array's x-kubernetes-list-type is map"
        yield invalid(f"{path}.items.type", items.get("type") or "", text)
    yield from _keys(items, keys, path)


def _keys(items: Raw, keys: list[str], path: str) -> Iterator[FieldError]:
    where, seen = f"{path}.x-kubernetes-list-map-keys", set()
    for index, key in enumerate(keys):
        if key in seen:
            yield invalid(f"{where}[{index}]", key, "must not contain duplicate values")
        seen.add(key)
        property = (items.get("properties") or {}).get(key)
        if property is None:
            yield invalid(f"{where}[{index}]", key, "entries must all be names of item properties")
            continue
        inside = f"{path}.items.properties[{key}]"
        if property.get("type") not in _SCALARS:
            text = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            yield invalid(f"{inside}.type", property.get("type") or "", text)
        if property.get("nullable"):
            yield forbidden(f"{inside}.nullable", f"{_KEYED}cannot be nullable")
        if key not in (items.get("required") or ()) and property.get("default") is None:
            yield required(f"{inside}.default", f"{_KEYED}must have a default or be a required property")


def _rules(schema: Raw, path: str) -> Iterator[FieldError]:
    """The form of CEL rules; what they say is compiled elsewhere."""
    for index, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        if not (rule.get("rule") or "").strip():
            yield required(f"{path}.x-kubernetes-validations[{index}].rule", "rule is not specified")
