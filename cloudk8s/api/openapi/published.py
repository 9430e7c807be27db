"""How a custom resource appears in the documents: its definition's schema, with what every object has."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.custom.schema import INT_OR_STRING, PRESERVE
from cloudk8s.api.openapi import embedded
from cloudk8s.api.openapi.dialect import Dialect, reference, rewrite
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
    given = _given(resource)
    if dialect == "v2" and given.get(PRESERVE):
        # With any property kubectl would refuse all others.
        return {"type": "object"} | _mark(resource, resource.kind)
    schema = embedded.described(_without_v3(given) if dialect == "v2" else given, dialect)
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
    own = {
        "apiVersion": {"description": _API_VERSION, "type": "string"},
        "kind": {"description": _KIND, "type": "string"},
        "metadata": rewrite({"$ref": _META + meta, "description": text}, dialect),
    }
    return properties | own


def _without_v3(node: dict[str, Any]) -> dict[str, Any]:
    """What version 2, as kubectl reads it, can say of a structural schema: upstream's `ToStructuralOpenAPIV2`."""
    dropped = {"allOf", "anyOf", "oneOf", "not", "nullable"}
    if node.get("nullable"):
        dropped |= {"type", "items", "properties"}
    if node.get(PRESERVE):
        dropped |= {"items", "properties"} | ({"type"} if node.get("type") == "object" else set())
    if node.get(INT_OR_STRING):
        dropped |= {"type"}
    if node.get("type") == "array" and ("items" in dropped or "items" not in node):
        dropped |= {"type"}
    made = {key: value for key, value in node.items() if key not in dropped}
    _forget_nullable(made)
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = _without_v3(made[key])
    if "properties" in made:
        made["properties"] = {key: _without_v3(value) for key, value in made["properties"].items()}
    return made


def _forget_nullable(node: dict[str, Any]) -> None:
    """What may be null can't be required."""
    properties, additional = node.get("properties") or {}, node.get("additionalProperties")
    required = [name for name in node.get("required") or () if not (properties.get(name) or {}).get("nullable")]
    if not required or (isinstance(additional, dict) and additional.get("nullable")):
        node.pop("required", None)
    else:
        node["required"] = required


def _mark(resource: ResourceType, kind: str) -> dict[str, Any]:
    mark = {"group": resource.group, "version": resource.version, "kind": kind}
    return {"x-kubernetes-group-version-kind": [mark]}
