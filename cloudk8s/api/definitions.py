"""Schema nodes of the built-in definitions, made when they are first looked at.

A definition comes out of the registry file as OpenAPI JSON and becomes `Schema` nodes. A node that stands for another
definition stays empty until one of its attributes is read, so that a process only ever builds what it touches, and
recursive types (`JSONSchemaProps`) need no special care.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from cloudk8s.api import catalog
from cloudk8s.api.registry_file import RegistryFile
from cloudk8s.machinery import codec
from cloudk8s.machinery.schema import Schema

SCALARS: Final[Mapping[str, tuple[str, str]]] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": ("string", "int-or-string"),
    "io.k8s.apimachinery.pkg.api.resource.Quantity": ("string", "quantity"),
}
"""Definitions that are one value on the wire: type and format."""

_EMPTY: Final = ".CustomResourceSubresourceStatus"
"""A struct without any field, which its schema cannot tell from an object of any content."""
_GO_SCALARS = {"string": "string", "boolean": "bool", "number": "float64", "integer": "int64"}


class Definitions:
    """All definitions of one Kubernetes version, by name; nodes are shared and never change."""

    def __init__(self, file: RegistryFile) -> None:
        self._file = file
        self._added: dict[str, bytes] = {}
        self._nodes: dict[str, Schema] = {}
        self._texts: dict[str, str] = {}
        self._lazy = _lazy_class(self._fill)

    @property
    def names(self) -> list[str]:
        return self._file.names

    @property
    def sources(self) -> str:
        """A digest of what the definitions were made from."""
        return self._file.sources

    def __contains__(self, name: str) -> bool:
        return name in self._added or name in self._file

    def __getitem__(self, name: str) -> Schema:
        """The node of a definition; KeyError if there is none of that name."""
        node = self._nodes.get(name)
        if node is None:
            if name not in self:
                raise KeyError(name)
            node = self._nodes[name] = self.reference(name, {})
        return node

    def raw(self, name: str) -> dict[str, Any]:
        """A definition as OpenAPI JSON, its references being plain names; the caller's to change."""
        added = self._added.get(name)
        definition: dict[str, Any] = codec.decode(self._file.definition(name) if added is None else added)
        return definition

    def add(self, definitions: Mapping[str, Mapping[str, Any]]) -> None:
        """Know these too, given as OpenAPI JSON; what is known already stays."""
        for name, definition in definitions.items():
            if name not in self:
                self._added[name] = codec.encode(definition)

    def reference(self, name: str, overrides: Mapping[str, Any]) -> Schema:
        """A node that stands for the definition, with what the referring field says differently."""
        node: Schema = self._lazy.__new__(self._lazy)
        node.name = name
        node.constraints = overrides
        return node

    def _fill(self, node: Schema) -> None:
        """Make a referring node a real one; runs once for each node, when it is first read."""
        name, overrides = node.name, node.constraints
        node.__class__ = Schema
        if overrides:
            target = self[name]
            for slot in Schema.__slots__:
                setattr(node, slot, getattr(target, slot))
            self._annotate(node, overrides)
        else:
            Schema.__init__(node, name=name)
            self._describe(node, self.raw(name))

    def _describe(self, node: Schema, raw: Mapping[str, Any]) -> None:
        self._annotate(node, raw)
        node.type = raw.get("type", "any")
        node.format = raw.get("format", "")
        node.required = tuple(raw.get("required", ()))
        if (properties := raw.get("properties")) is not None:
            node.properties = {key: self._node(value, node.name, key) for key, value in properties.items()}
        if (additional := raw.get("additionalProperties")) is not None:
            node.additional = self._node(additional)
        if (items := raw.get("items")) is not None:
            node.items = self._node(items)
        node.group_version_kinds = tuple(
            (mark["group"], mark["version"], mark["kind"]) for mark in raw.get("x-kubernetes-group-version-kind", ())
        )
        node.unions = tuple(raw.get("x-kubernetes-unions", ()))
        self._specialise(node)

    def _specialise(self, node: Schema) -> None:
        """What OpenAPI says in words only: values of one's own encoding, and objects of any content."""
        if node.name in SCALARS:
            scalar = SCALARS[node.name]
            node.type, node.format = scalar  # type: ignore[assignment]
        elif node.name.endswith(_EMPTY):
            node.properties = {}
        elif node.type == "object" and node.properties is None and node.additional is None:
            node.type, node.preserve_unknown = "any", True
        elif node.type == "any":
            node.preserve_unknown = True
        node.go_type = go_type(node)

    def _node(self, raw: Mapping[str, Any], owner: str = "", field: str = "") -> Schema:
        if (name := raw.get("$ref")) is not None:
            overrides = {key: value for key, value in raw.items() if key != "$ref"}
            return self.reference(name, overrides) if overrides else self[name]
        node = Schema()
        self._describe(node, raw)
        if (default := catalog.DEFAULTS.get((owner, field))) is not None:
            node.default = default
        return node

    def _annotate(self, node: Schema, raw: Mapping[str, Any]) -> None:
        """What a referring field may say itself, next to the reference."""
        if (text := raw.get("description")) is not None:
            node.description = self._texts.setdefault(text, text)
        if (kind := raw.get("x-kubernetes-list-type")) is not None:
            node.list_type = kind
        if (keys := raw.get("x-kubernetes-list-map-keys")) is not None:
            node.list_map_keys = tuple(keys)
        if (kind := raw.get("x-kubernetes-map-type")) is not None:
            node.map_type = kind
        if (strategy := raw.get("x-kubernetes-patch-strategy")) is not None:
            node.patch_strategy = frozenset(strategy.split(","))
        if (key := raw.get("x-kubernetes-patch-merge-key")) is not None:
            node.patch_merge_key = key
        if "default" in raw:
            node.default = raw["default"]


def go_type(node: Schema) -> str:
    """How Go names the node's type in an error message: `int32`, `v1.PodSpec`, `[]v1.Container`."""
    if node.name:
        *_, package, name = node.name.split(".")
        return f"{package}.{name}"
    if node.type == "array" and node.items is not None:
        return "[]" + _go_name(node.items)
    if node.type == "object" and node.additional is not None:
        return "map[string]" + _go_name(node.additional)
    if node.format == "byte":
        return "[]uint8"
    return node.format if node.format.startswith("int") else _GO_SCALARS.get(node.type, "")


def _go_name(node: Schema) -> str:
    """The Go type of an item, without building the definition that it stands for."""
    return go_type(node) if not node.name else node.name.rsplit(".", 2)[-2] + "." + node.name.rsplit(".", 1)[-1]


def _lazy_class(fill: Callable[[Schema], None]) -> type[Schema]:
    class Unread(Schema):
        """A node with nothing but a name; reading anything else builds it and makes it a plain `Schema`."""

        __slots__ = ()

        def __getattr__(self, attribute: str) -> Any:
            fill(self)
            return getattr(self, attribute)

    return Unread
