"""From a structural schema, as a definition gives it, to `Schema` nodes like those of built-in types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.machinery.schema import UNSET, Schema

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
EMBEDDED: Final = "x-kubernetes-embedded-resource"
INT_OR_STRING: Final = "x-kubernetes-int-or-string"

_STRUCTURE: Final = frozenset({
    "additionalProperties", "default", "description", "items", "nullable", "properties", "required", "title", "type",
    "x-kubernetes-list-map-keys", "x-kubernetes-list-type", "x-kubernetes-map-type", PRESERVE, EMBEDDED, INT_OR_STRING,
})  # fmt: skip
_TYPE_META: Final = ("apiVersion", "kind")


def compile_schema(raw: Mapping[str, Any], metadata: Schema) -> Schema:
    """The schema of a whole custom resource; `metadata` is that of ObjectMeta."""
    root = _node(raw, metadata)
    root.type = "object"
    _add_type_meta(root, metadata)
    return root


def _node(raw: Mapping[str, Any], metadata: Schema) -> Schema:
    node = Schema(raw.get("type") or "any")
    node.description = raw.get("description", "")
    node.required = tuple(raw.get("required") or ())
    node.nullable = bool(raw.get("nullable"))
    node.preserve_unknown = bool(raw.get(PRESERVE))
    node.embedded = bool(raw.get(EMBEDDED))
    node.default = raw.get("default", UNSET)
    node.constraints = {key: value for key, value in raw.items() if key not in _STRUCTURE}
    if raw.get(INT_OR_STRING):
        node.type, node.format = "string", "int-or-string"
    else:
        node.format = raw.get("format", "")
    _add_lists(node, raw)
    _add_children(node, raw, metadata)
    if node.embedded:
        _add_type_meta(node, metadata)
    return node


def _add_lists(node: Schema, raw: Mapping[str, Any]) -> None:
    node.list_type = raw.get("x-kubernetes-list-type") or "atomic"
    node.list_map_keys = tuple(raw.get("x-kubernetes-list-map-keys") or ())
    node.map_type = raw.get("x-kubernetes-map-type") or "granular"


def _add_children(node: Schema, raw: Mapping[str, Any], metadata: Schema) -> None:
    if (properties := raw.get("properties")) is not None:
        node.properties = {key: _node(value, metadata) for key, value in properties.items()}
    additional = raw.get("additionalProperties")
    if isinstance(additional, Mapping):
        node.additional = _node(additional, metadata)
    elif additional is True:
        node.additional = Schema("any", preserve_unknown=True)
    if isinstance(items := raw.get("items"), Mapping):
        node.items = _node(items, metadata)
    if node.type == "object" and node.properties is None and node.additional is None:
        node.properties = {}


def _add_type_meta(node: Schema, metadata: Schema) -> None:
    """Every object has these, whatever its schema says of them."""
    own = dict.fromkeys(_TYPE_META, Schema("string"))
    node.properties = {**(node.properties or {}), **own, "metadata": metadata}
