"""The JSON of a patched object as upstream quotes it when it refuses the result of a patch.

Upstream patches Go's encoding of the object: what no patch reached keeps the order of Go's structs, and what one did
reach is sorted by key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.protobuf import json_order, short_name
from cloudk8s.api.resource import Object
from cloudk8s.machinery import codec
from cloudk8s.machinery.schema import Schema

_Reach = Mapping[str, Any]
"""What a patch reaches: a nested mapping of the keys on its ways."""


def patched_json(tree: Object, patch: Any, schema: Schema) -> str:
    """The JSON of a built-in object; `patch` is the JSON patch or merge patch that made it."""
    reach = _ways(patch) if isinstance(patch, list) else patch
    return codec.encode(_ordered(tree, reach, schema)).decode()


def _ways(operations: list[Any]) -> _Reach:
    """The containers that the operations of a JSON patch change."""
    reach: dict[str, Any] = {}
    for operation in operations:
        step = reach
        for key in str(operation.get("path", "")).split("/")[1:-1]:
            step = step.setdefault(key.replace("~1", "/").replace("~0", "~"), {})
    return reach


def _ordered(value: Any, reach: Any, schema: Schema | None) -> Any:
    """A value with its keys sorted where the patch was, and in Go's order elsewhere."""
    below = reach if isinstance(reach, Mapping) else {}
    if isinstance(value, dict):
        keys = sorted(value) if isinstance(reach, Mapping) else _struct_order(value, schema)
        return {key: _ordered(value[key], below.get(key), _inside(schema, key)) for key in keys}
    if isinstance(value, list):
        items = schema.items if schema else None
        return [_ordered(item, below.get(str(index)), items) for index, item in enumerate(value)]
    return value


def _struct_order(value: Object, schema: Schema | None) -> list[str]:
    """Go writes structs in their order, and maps sorted."""
    if schema is None or not schema.properties:
        return sorted(value)
    order = json_order(short_name(schema.name))
    type_meta = [key for key in ("kind", "apiVersion") if key not in order]
    return [*dict.fromkeys([*(key for key in (*type_meta, *order) if key in value), *value])]


def _inside(schema: Schema | None, key: str) -> Schema | None:
    if schema is None:
        return None
    return (schema.properties or {}).get(key) or schema.additional
