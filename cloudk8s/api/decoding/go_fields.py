"""How upstream's Go types hold a field, where OpenAPI does not say it.

Go drops zero values that a struct holds directly and marks `omitempty`; it keeps zeros behind a pointer, and always
writes structs held directly and fields without `omitempty`. Clients see all of that, so decoding does the same.
What the tables of `go_fields.txt` don't list follows the rule in each table's comment.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

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
    tables = _tables()
    go_type = _types().get(place) or node.go_type
    omit_empty = place not in tables["written"] and (not required or place in tables["omitted"])
    return FieldShape(_is_pointer(place, name, node, omit_empty=omit_empty), omit_empty, go_type)


def short(definition: str) -> str:
    """`io.k8s.api.core.v1.PodSpec` → `core.v1.PodSpec`."""
    return ".".join(definition.split(".")[-3:])


def _is_pointer(place: str, name: str, node: Schema, *, omit_empty: bool) -> bool:
    tables = _tables()
    if place in tables["pointers"]:
        return True
    if node.properties is not None or node.format in _BOXED:
        return omit_empty and place not in tables["direct"] and name not in ("metadata", "spec", "status")
    if node.type == "string":
        return place in tables["strings"]
    if node.type in ("boolean", "integer", "number"):
        return omit_empty and place not in tables["numbers"]
    return node.type == "any"


@cache
def _tables() -> Mapping[str, frozenset[str]]:
    """The places that each table lists; `types` has them as `group.version.Struct.field=type`."""
    found: dict[str, set[str]] = {}
    for line in files("cloudk8s.api.decoding").joinpath("go_fields.txt").read_text().splitlines():
        if line.startswith("["):
            table = found[line.strip("[]")] = set[str]()
        elif line and not line.startswith("#"):
            owner, _, fields = line.partition(":")
            table.update(f"{owner}.{field}" for field in fields.split())
    return {name: frozenset(places) for name, places in found.items()}


@cache
def _types() -> Mapping[str, str]:
    pairs = (place.rpartition("=") for place in _tables()["types"])
    return {place: go_type for place, _, go_type in pairs}
