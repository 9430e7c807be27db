"""What a definition's schema may not use at all, before its structure is looked at.

See `ValidateCustomResourceDefinitionOpenAPISchema` in apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import FieldError, forbidden, invalid, not_supported, required

Raw = Mapping[str, Any]

_UNSUPPORTED: Final = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
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


def is_readable(schema: Raw) -> bool:
    """Whether a structure can be made out at all; if not, only the findings of `check_schema` count."""
    if any(schema.get(key) not in (None, "", {}, []) for key in _UNSUPPORTED) or isinstance(schema.get("items"), list):
        return False
    return all(is_readable(inner) for inner, _ in children(schema, ""))


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
    if (type := schema.get("type")) and type not in _TYPES:
        yield not_supported(f"{path}.type", type, _TYPES)
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


def _inside(schema: Raw, path: str) -> Iterator[FieldError]:
    for inner, where in children(schema, path):
        yield from check_schema(inner, where)


def _extensions(schema: Raw, path: str) -> Iterator[FieldError]:
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        yield invalid(f"{path}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined")
    yield from _kind_of(schema, path, "x-kubernetes-map-type", "object", _MAP_TYPES)
    yield from _set_of(schema, path)
    yield from _kind_of(schema, path, "x-kubernetes-list-type", "array", _LIST_TYPES)
    yield from _list_map(schema, path)
    yield from _keyed(schema, path)
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
    if items is None:
        yield required(f"{path}.items", "must have a schema if x-kubernetes-list-type is map")
    if not isinstance(items, Mapping):
        return
    if items.get("type") != "object":
        text = "must be object if parent array's x-kubernetes-list-type is map"
        yield invalid(f"{path}.items.type", items.get("type") or "", text)
        return
    yield from _keys(items, keys, path)


def _keys(items: Raw, keys: list[str], path: str) -> Iterator[FieldError]:
    where, seen = f"{path}.x-kubernetes-list-map-keys", set()
    for key in keys:
        property = (items.get("properties") or {}).get(key)
        if property is None:
            yield invalid(where, keys, "entries must all be names of item properties")
        elif property.get("type") in ("array", "object"):
            text = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            yield invalid(f"{path}.items.properties[{key}].type", items["type"], text)
        if key in seen:
            yield invalid(where, keys, "must not contain duplicate entries")
        seen.add(key)


def _set_of(schema: Raw, path: str) -> Iterator[FieldError]:
    """What a set holds is compared as a whole."""
    items = schema.get("items")
    is_set = schema.get("type") == "array" and schema.get("x-kubernetes-list-type") == "set"
    if not is_set or not isinstance(items, Mapping):
        return
    text = "must be atomic as item of a list with x-kubernetes-list-type=set"
    inner = items.get("x-kubernetes-list-type")
    if items.get("type") == "array" and inner not in (None, "atomic"):
        yield invalid(f"{path}.items.x-kubernetes-list-type", inner, text)
    if items.get("type") == "object" and items.get("x-kubernetes-map-type") != "atomic":
        yield invalid(f"{path}.items.x-kubernetes-map-type", inner, text)


def _keyed(schema: Raw, path: str) -> Iterator[FieldError]:
    """Every item of a set or map is there, and has its keys."""
    list_type, items = schema.get("x-kubernetes-list-type"), schema.get("items")
    if list_type not in ("set", "map") or not isinstance(items, Mapping):
        return
    if items.get("nullable"):
        yield forbidden(f"{path}.items.nullable", f"cannot be nullable when x-kubernetes-list-type is {list_type}")
    for key in (schema.get("x-kubernetes-list-map-keys") or ()) if list_type == "map" else ():
        property = (items.get("properties") or {}).get(key)
        if property is None:
            continue
        inside = f"{path}.items.properties[{key}]"
        if key not in (items.get("required") or ()) and property.get("default") is None:
            yield required(f"{inside}.default", f"{_KEYED}must have a default or be a required property")
        if property.get("nullable"):
            yield forbidden(f"{inside}.nullable", f"{_KEYED}cannot be nullable")


def _rules(schema: Raw, path: str) -> Iterator[FieldError]:
    """The form of CEL rules; what they say is compiled elsewhere."""
    for index, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        if not (rule.get("rule") or "").strip():
            yield required(f"{path}.x-kubernetes-validations[{index}].rule", "rule is not specified")
