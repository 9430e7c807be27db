"""What makes a schema structural: every field has a type, and alternatives only restrict what is already there.

See `ValidateStructural` in apiextensions-apiserver and
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from cloudk8s.api.custom.pruning import prune
from cloudk8s.api.custom.schema import EMBEDDED, INT_OR_STRING, PRESERVE, compile_schema
from cloudk8s.api.custom.values import ABSENT, compile_pattern, compile_validator
from cloudk8s.api.field_errors import FieldError, forbidden, invalid, required
from cloudk8s.machinery import codec
from cloudk8s.machinery.schema import Schema

Raw = Mapping[str, Any]
Level = Literal["root", "items", "field"]

_TYPE_MISSING: Final[Mapping[str, str]] = {
    "root": "must not be empty at the root",
    "items": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
_JUNCTORS: Final = ("allOf", "anyOf", "oneOf")
_FORBIDDEN_NESTED: Final[Mapping[str, str]] = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    PRESERVE: "must be false to be structural",
    EMBEDDED: "must be false to be structural",
    INT_OR_STRING: "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
}
_INT_OR_STRING: Final = [{"type": "integer"}, {"type": "string"}]


def check_structure(schema: Raw, path: str) -> list[FieldError]:
    """The findings of a schema as the schema of a whole resource."""
    return sorted([*_invariants(schema, "root", path), *_completeness(schema, path)], key=str)


def check_defaults(schema: Raw, path: str) -> list[FieldError]:
    """Defaults have to be valid, and to hold nothing that would be pruned."""
    found: list[FieldError] = []
    for name, inner in sorted((schema.get("properties") or {}).items()):
        found += check_defaults(inner, f"{path}.properties[{name}]")
    for key in ("items", "additionalProperties"):
        if isinstance(inner := schema.get(key), Mapping):
            found += check_defaults(inner, f"{path}.{key}")
    if schema.get("default") is not None:
        found += _default(schema, f"{path}.default")
    return found


def _default(schema: Raw, path: str) -> Iterator[FieldError]:
    value = codec.copy(schema["default"])
    if isinstance(value, dict):
        unknown = prune(value, compile_schema({**schema, "type": "object"}, Schema("any", preserve_unknown=True)))
        if unknown:
            yield invalid(path, schema["default"], "must not have unknown fields")
    for error in compile_validator(schema)(schema["default"], "", ABSENT):
        yield FieldError(error.type, f"{path}.{error.path}" if error.path else path, error.text)


def _invariants(schema: Raw, level: Level, path: str) -> Iterator[FieldError]:
    if schema.get("type") == "array" and not isinstance(schema.get("items"), Mapping):
        yield required(f"{path}.items", "must be specified")
    if isinstance(items := schema.get("items"), Mapping):
        yield from _invariants(items, "items", f"{path}.items")
    for name, inner in sorted((schema.get("properties") or {}).items()):
        yield from _invariants(inner, "field", f"{path}.properties[{name}]")
    yield from _additional(schema, level, path)
    yield from _int_or_string(schema, path)
    yield from _nested(schema, path, skips=_skipped(schema))
    yield from _type(schema, level, path)
    if level == "root" or schema.get(EMBEDDED):
        yield from _type_meta(schema, path)
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not schema.get("properties"):
        text = f"must not be empty if {EMBEDDED} is true without {PRESERVE}"
        yield required(f"{path}.properties", text)


def _additional(schema: Raw, level: Level, path: str) -> Iterator[FieldError]:
    additional = schema.get("additionalProperties")
    if additional is None:
        return
    if level == "root":
        yield forbidden(f"{path}.additionalProperties", "must not be used at the root")
    if isinstance(additional, Mapping):
        yield from _invariants(additional, "field", f"{path}.additionalProperties")
    if schema.get(EMBEDDED):
        yield forbidden(f"{path}.additionalProperties", f"must not be used if {EMBEDDED} is set")


def _int_or_string(schema: Raw, path: str) -> Iterator[FieldError]:
    if not schema.get(INT_OR_STRING):
        return
    if schema.get(PRESERVE):
        yield invalid(f"{path}.{PRESERVE}", True, f"must be false if {INT_OR_STRING} is true")
    if schema.get(EMBEDDED):
        yield invalid(f"{path}.{EMBEDDED}", True, f"must be false if {INT_OR_STRING} is true")
    if schema.get("type"):
        yield invalid(f"{path}.type", schema["type"], f"must be empty if {INT_OR_STRING} is true")


def _skipped(schema: Raw) -> tuple[str, ...]:
    """The one pattern of alternatives that may name types: integer or string."""
    if not schema.get(INT_OR_STRING):
        return ()
    if schema.get("anyOf") == _INT_OR_STRING:
        return ("anyOf",)
    first = (schema.get("allOf") or [{}])[0]
    return ("allOf[0]",) if isinstance(first, Mapping) and first.get("anyOf") == _INT_OR_STRING else ()


def _nested(schema: Raw, path: str, *, skips: tuple[str, ...] = ()) -> Iterator[FieldError]:
    """Alternatives may only restrict values; structure belongs outside of them."""
    for key in _JUNCTORS:
        for index, inner in enumerate(schema.get(key) or ()):
            if key not in skips and f"{key}[{index}]" not in skips:
                yield from _restriction(inner, f"{path}.{key}[{index}]")
    if isinstance(inner := schema.get("not"), Mapping):
        yield from _restriction(inner, f"{path}.not")
    if (pattern := schema.get("pattern")) and compile_pattern(pattern) is None:
        yield invalid(f"{path}.pattern", pattern, "must be a valid regular expression, but isn't: error parsing regexp")


def _restriction(schema: Raw, path: str) -> Iterator[FieldError]:
    yield from _nested(schema, path)
    if isinstance(items := schema.get("items"), Mapping):
        yield from _restriction(items, f"{path}.items")
    for name, inner in sorted((schema.get("properties") or {}).items()):
        yield from _restriction(inner, f"{path}.properties[{name}]")
    for key, text in _FORBIDDEN_NESTED.items():
        if schema.get(key) not in (None, "", False, [], {}):
            yield forbidden(f"{path}.{key}", text)
    if "metadata" in (schema.get("properties") or {}):
        yield forbidden(f"{path}.properties[metadata]", "must not be specified in a nested context")


def _type(schema: Raw, level: Level, path: str) -> Iterator[FieldError]:
    type = schema.get("type") or ""
    if schema.get(EMBEDDED) and type != "object":
        text = f"must be object if {EMBEDDED} is true"
        yield invalid(f"{path}.type", type, text) if type else required(f"{path}.type", text)
    elif not type and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        yield required(f"{path}.type", _TYPE_MISSING[level])
    if level == "root" and type and type != "object":
        yield invalid(f"{path}.type", type, "must be object at the root")


def _type_meta(schema: Raw, path: str) -> Iterator[FieldError]:
    properties = schema.get("properties") or {}
    for name in ("kind", "apiVersion"):
        if name in properties and properties[name].get("type") != "string":
            yield invalid(f"{path}.properties[{name}].type", properties[name].get("type") or "", "must be string")
    if (metadata := properties.get("metadata")) is None:
        return
    where = f"{path}.properties[metadata]"
    if metadata.get("type") != "object":
        yield invalid(f"{where}.type", metadata.get("type") or "", "must be object")
    rest = {
        key: value for key, value in metadata.items() if key not in ("type", "description", "properties", "default")
    }
    if rest or set(metadata.get("properties") or ()) - {"name", "generateName"}:
        text = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        yield forbidden(where, text)


def _completeness(schema: Raw, path: str) -> Iterator[FieldError]:
    """What alternatives speak of has to be specified outside of them."""
    for key in (*_JUNCTORS, "not"):
        inners = schema.get(key) or ()
        for index, inner in enumerate([inners] if isinstance(inners, Mapping) else inners):
            where = f"{path}.{key}" if isinstance(inners, Mapping) else f"{path}.{key}[{index}]"
            yield from _covered(inner, schema, where, path)
    for name, inner in sorted((schema.get("properties") or {}).items()):
        yield from _completeness(inner, f"{path}.properties[{name}]")
    for key in ("items", "additionalProperties"):
        if isinstance(inner := schema.get(key), Mapping):
            yield from _completeness(inner, f"{path}.{key}")


def _covered(inner: Raw, outer: Raw, path: str, outer_path: str) -> Iterator[FieldError]:
    for name, child in sorted((inner.get("properties") or {}).items()):
        where, given = f"{path}.properties[{name}]", (outer.get("properties") or {}).get(name)
        if given is None:
            yield required(f"{outer_path}.properties[{name}]", f"because it is defined in {where}")
        else:
            yield from _covered(child, given, where, f"{outer_path}.properties[{name}]")
    if isinstance(items := inner.get("items"), Mapping):
        if not isinstance(given := outer.get("items"), Mapping):
            yield required(f"{outer_path}.items", f"because it is defined in {path}.items")
        else:
            yield from _covered(items, given, f"{path}.items", f"{outer_path}.items")
    for key in (*_JUNCTORS, "not"):
        more = inner.get(key) or ()
        for index, nested in enumerate([more] if isinstance(more, Mapping) else more):
            where = f"{path}.{key}" if isinstance(more, Mapping) else f"{path}.{key}[{index}]"
            yield from _covered(nested, outer, where, outer_path)
