"""How a custom resource appears in the documents: its definition's schema, with what every object has."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.openapi.dialect import Dialect, reference
from cloudk8s.api.openapi.operations import Names
from cloudk8s.api.resource import ResourceType

_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_API_VERSION: Final = (
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized "
    "schemas to the latest internal value, and may reject unrecognized values. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources"
)
_KIND: Final = (
    "Kind is a string value representing the REST resource this object represents. Servers may infer this from the "
    "endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"
)
_METADATA: Final = (
    "Standard object's metadata. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)
_LIST_METADATA: Final = (
    "Standard list metadata. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"
)


def names(resource: ResourceType) -> Names:
    """Definition names: `com.example.v1.Widget`."""
    if resource.custom is None:
        return Names(resource.schema.name, resource.schema.name + "List")
    prefix = ".".join([*reversed(resource.group.split(".")), resource.version])
    return Names(f"{prefix}.{resource.kind}", f"{prefix}.{resource.list_kind or resource.kind + 'List'}")


def schemas(resource: ResourceType, dialect: Dialect) -> dict[str, Any]:
    """The definitions of a custom resource and of its list."""
    found = names(resource)
    return {found.kind: _object(resource, dialect), found.list_kind: _list(resource, found, dialect)}


def _object(resource: ResourceType, dialect: Dialect) -> dict[str, Any]:
    schema = _given(resource)
    if dialect == "v2":
        schema = _without_v3(schema)
    if schema.get("x-kubernetes-preserve-unknown-fields") and dialect == "v2":
        schema = {key: value for key, value in schema.items() if key != "properties"}
    else:
        schema["properties"] = _typed(schema.get("properties") or {}, _METADATA, "ObjectMeta", dialect)
    schema.setdefault("type", "object")
    return schema | _mark(resource, resource.kind)


def _list(resource: ResourceType, found: Names, dialect: Dialect) -> dict[str, Any]:
    items = {
        "description": f"List of {resource.plural}. More info: "
        "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md",
        "type": "array",
        "items": reference(found.kind, dialect),
    }
    properties = _typed({"items": items}, _LIST_METADATA, "ListMeta", dialect)
    kind = resource.list_kind or resource.kind + "List"
    schema: dict[str, Any] = {"description": f"{kind} is a list of {resource.kind}", "type": "object"}
    return schema | {"required": ["items"], "properties": properties} | _mark(resource, kind)


def _given(resource: ResourceType) -> dict[str, Any]:
    """The schema that the definition gives for the resource's version."""
    spec = (resource.custom or {}).get("spec") or {}
    for version in spec.get("versions") or ():
        if version.get("name") == resource.version:
            return dict((version.get("schema") or {}).get("openAPIV3Schema") or {})
    return {}


def _typed(properties: dict[str, Any], text: str, meta: str, dialect: Dialect) -> dict[str, Any]:
    ref = reference(_META + meta, dialect)
    metadata = {"allOf": [ref], "description": text} if dialect == "v3" else ref | {"description": text}
    own = {
        "apiVersion": {"description": _API_VERSION, "type": "string"},
        "kind": {"description": _KIND, "type": "string"},
        "metadata": metadata,
    }
    return properties | own


def _without_v3(node: Any) -> Any:
    """What version 2 can say of a structural schema: no alternatives, no null, no structure where all is allowed."""
    if isinstance(node, list):
        return [_without_v3(item) for item in node]
    if not isinstance(node, dict):
        return node
    dropped = {"allOf", "anyOf", "oneOf", "not", "nullable"}
    if node.get("nullable"):
        dropped |= {"type", "items", "properties", "additionalProperties"}
    if node.get("x-kubernetes-preserve-unknown-fields"):
        dropped |= {"items", "properties"}
    if node.get("x-kubernetes-int-or-string"):
        dropped |= {"type"}
    made = {key: value for key, value in node.items() if key not in dropped}
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = _without_v3(made[key])
    if isinstance(made.get("properties"), dict):
        made["properties"] = {key: _without_v3(value) for key, value in made["properties"].items()}
    return made


def _mark(resource: ResourceType, kind: str) -> dict[str, Any]:
    mark = {"group": resource.group, "version": resource.version, "kind": kind}
    return {"x-kubernetes-group-version-kind": [mark]}
