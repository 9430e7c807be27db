"""From `Schema` nodes to compiled types, as upstream reads its OpenAPI documents."""

from __future__ import annotations

from typing import Final

from cloudk8s.machinery.apply.deduced_type import DeducedType
from cloudk8s.machinery.apply.leaf_type import AtomicType, ScalarKind, ScalarType
from cloudk8s.machinery.apply.list_type import ListType, PlainListType
from cloudk8s.machinery.apply.map_type import MapType
from cloudk8s.machinery.apply.type import Type
from cloudk8s.machinery.schema import UNSET, Schema

DEDUCED: Final = DeducedType()
_OPAQUE: Final = AtomicType(DEDUCED)
"""Built-in types of any content (`RawExtension`) have one owner, unlike free-form parts of custom resources."""
_SCALARS: Final[dict[ScalarKind, ScalarType]] = {
    "string": ScalarType("string"), "numeric": ScalarType("numeric"), "boolean": ScalarType("boolean"),
    "untyped": ScalarType("untyped"),
}  # fmt: skip


class Compiler:
    """Compiles each node once. Keep one per set of schemas that live and die together."""

    def __init__(self) -> None:
        self._types: dict[int, tuple[Schema, Type]] = {}

    def type_of(self, schema: Schema) -> Type:
        """The compiled type of a node; types may be cyclic, so children are compiled when first met."""
        found = self._types.get(id(schema))
        if found is not None and found[0] is schema:
            return found[1]
        made = self._compiled(schema)
        self._types[id(schema)] = (schema, made)
        return made

    def _compiled(self, schema: Schema) -> Type:
        if schema.format in ("quantity", "int-or-string"):
            return _SCALARS["untyped"]
        match schema.type:
            case "string":
                return _SCALARS["string"]
            case "integer" | "number":
                return _SCALARS["numeric"]
            case "boolean":
                return _SCALARS["boolean"]
            case "array":
                return self._list(schema)
            case "object":
                return self._map(schema)
        if schema.properties:
            return self._map(schema)
        return _OPAQUE if schema.name else DEDUCED

    def _map(self, schema: Schema) -> Type:
        properties = schema.properties or {}
        entry = DEDUCED if schema.additional is None else self.type_of(schema.additional)
        is_open = schema.additional is not None or schema.preserve_unknown or not properties
        granular = MapType(properties, self.type_of, entry=entry, is_open=is_open)
        return AtomicType(granular) if schema.map_type == "atomic" else granular

    def _list(self, schema: Schema) -> Type:
        items = DEDUCED if schema.items is None else self.type_of(schema.items)
        if schema.list_type == "atomic":
            return AtomicType(PlainListType(items))
        keys = schema.list_map_keys if schema.list_type == "map" else ()
        return ListType(items, keys, _key_defaults(schema.items, keys))


def _key_defaults(items: Schema | None, keys: tuple[str, ...]) -> dict[str, object]:
    properties = (items.properties if items is not None else None) or {}
    found = {key: properties[key].default for key in keys if key in properties}
    return {key: value for key, value in found.items() if value is not UNSET}
