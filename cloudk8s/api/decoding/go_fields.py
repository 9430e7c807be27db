"""How upstream's Go types hold a field, where OpenAPI does not say it.

Go drops zero values that a struct holds directly and marks `omitempty`; it keeps zeros behind a pointer, and always
writes structs held directly and fields without `omitempty`. Clients see all of that, so decoding does the same.
What the tables don't list follows the rule in each table's comment.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from cloudk8s.api.decoding.go_field_tables import (
    DIRECT,
    GO_TYPES,
    NUMBERS,
    OMITTED,
    POINTERS,
    STRINGS,
    WRITTEN,
)
from cloudk8s.machinery.schema import Schema

_BOXED: Final = ("date-time", "int-or-string", "quantity")


class FieldShape(NamedTuple):
    """How one field of a struct is held."""

    pointer: bool
    """Absent and zero are different things."""
    omit_empty: bool
    """The zero value is not written; a struct held directly is written all the same."""
    go_type: str
    """The type that an error message quotes."""


def shape(owner: str, name: str, node: Schema, *, required: bool) -> FieldShape:
    """The shape of one property; `owner` is the definition it belongs to."""
    place = f"{short(owner)}.{name}"
    go_type = _GO_TYPES.get(place) or node.go_type
    omit_empty = place not in _WRITTEN and (not required or place in _OMITTED)
    return FieldShape(_is_pointer(place, name, node, omit_empty=omit_empty), omit_empty, go_type)


def short(definition: str) -> str:
    """`io.k8s.api.core.v1.PodSpec` → `core.v1.PodSpec`."""
    return ".".join(definition.split(".")[-3:])


def _is_pointer(place: str, name: str, node: Schema, *, omit_empty: bool) -> bool:
    if place in _POINTERS:
        return True
    if node.properties is not None or node.format in _BOXED:
        return omit_empty and place not in _DIRECT and name not in ("metadata", "spec", "status")
    if node.type == "string":
        return place in _STRINGS
    if node.type in ("boolean", "integer", "number"):
        return omit_empty and place not in _NUMBERS
    return node.type == "any"


def _places(table: str) -> frozenset[str]:
    """Read lines of `group.version.Struct: field field …`."""
    lines = (line.partition(":") for line in table.strip().splitlines())
    return frozenset(f"{owner.strip()}.{field}" for owner, _, fields in lines for field in fields.split())


def _types(table: str) -> dict[str, str]:
    """Read lines of `group.version.Struct: field=type …`."""
    pairs = (place.rpartition("=") for place in _places(table))
    return {place: go_type for place, _, go_type in pairs}


_DIRECT: Final = _places(DIRECT)
_POINTERS: Final = _places(POINTERS)
_WRITTEN: Final = _places(WRITTEN)
_OMITTED: Final = _places(OMITTED)
_NUMBERS: Final = _places(NUMBERS)
_STRINGS: Final = _places(STRINGS)
_GO_TYPES: Final = _types(GO_TYPES)
