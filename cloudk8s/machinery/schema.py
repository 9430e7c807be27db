"""One node of a type: what a field may hold, how lists and maps merge, what it means.

Built-in types and custom resources are the same graph of `Schema` nodes, built once by `cloudk8s.api` and shared.
Nodes may be cyclic (`JSONSchemaProps`), so they compare by identity and are never changed after they are built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

Type = Literal["object", "array", "string", "integer", "number", "boolean", "any"]
ListType = Literal["atomic", "set", "map"]

UNSET: Final = object()
"""Stands for "no default", which is not the same as a default of null."""


class Schema:
    """One node; `properties` for a struct, `additional` for a map, `items` for a list, none of them for a scalar.

    `type` "any" accepts every value (RawExtension, JSON). `format` is OpenAPI's, plus "int-or-string" and "quantity".
    """

    __slots__ = (
        "additional", "constraints", "default", "description", "embedded", "format", "go_type", "group_version_kinds",
        "items", "list_map_keys", "list_type", "map_type", "name", "nullable", "patch_merge_key", "patch_strategy",
        "preserve_unknown", "properties", "required", "type", "unions",
    )  # fmt: skip

    def __init__(self, type: Type = "any", **values: Any) -> None:
        self.type: Type = type
        self.name: str = ""
        """Definition name such as `io.k8s.api.core.v1.PodSpec`; empty for anonymous nodes."""
        self.format: str = ""
        self.description: str = ""
        self.properties: Mapping[str, Schema] | None = None
        self.additional: Schema | None = None
        self.items: Schema | None = None
        self.required: tuple[str, ...] = ()
        self.list_type: ListType = "atomic"
        self.list_map_keys: tuple[str, ...] = ()
        self.map_type: Literal["granular", "atomic"] = "granular"
        """`atomic` maps and structs have one owner as a whole in server-side apply."""
        self.patch_strategy: frozenset[str] = frozenset()
        """Strategic merge patch: any of merge, replace, retainKeys; empty is replace for lists."""
        self.patch_merge_key: str = ""
        self.preserve_unknown: bool = False
        self.embedded: bool = False
        self.nullable: bool = False
        self.default: Any = UNSET
        self.constraints: Mapping[str, Any] = {}
        """JSON Schema value rules (enum, pattern, minimum, x-kubernetes-validations …), by their JSON Schema name."""
        self.unions: tuple[Mapping[str, Any], ...] = ()
        self.go_type: str = ""
        """Upstream's Go type name, where an error message quotes it (for instance `int32`)."""
        self.group_version_kinds: tuple[tuple[str, str, str], ...] = ()
        for key, value in values.items():
            setattr(self, key, value)

    def __repr__(self) -> str:
        return f"Schema({self.name or self.type})"
