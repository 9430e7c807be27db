"""The types of `metrics.k8s.io/v1beta1`, which the packages with the built-in types do not carry."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.definitions import Definitions
from cloudk8s.api.resource import ResourceType

GROUP: Final = "metrics.k8s.io"
VERSION: Final = "v1beta1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
_PREFIX: Final = "io.k8s.metrics.pkg.apis.metrics.v1beta1."
_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_STANDARD: Final = {
    "apiVersion": {"type": "string", "description": "Version of the schema of this object."},
    "kind": {"type": "string", "description": "Kind of this object."},
}
_USAGE: Final = {
    "description": "What is used, by resource; memory is the working set.",
    "type": "object",
    "additionalProperties": {"$ref": "io.k8s.apimachinery.pkg.api.resource.Quantity"},
}
_SPAN: Final = {
    "timestamp": {
        "$ref": _META + "Time",
        "description": "End of the time over which use was measured, which began at timestamp minus window.",
    },
    "window": {"$ref": _META + "Duration", "description": "How long the measurement took."},
}


def resource_types(definitions: Definitions) -> list[ResourceType]:
    """`nodes` and `pods`; adds their definitions to those of the server."""
    definitions.add(_definitions())
    return [_resource(definitions, "nodes", "NodeMetrics"), _resource(definitions, "pods", "PodMetrics")]


def _resource(definitions: Definitions, plural: str, kind: str) -> ResourceType:
    return ResourceType(
        group=GROUP,
        version=VERSION,
        kind=kind,
        plural=plural,
        singular="",
        namespaced=plural == "pods",
        verbs=("get", "list"),
        schema=definitions[_PREFIX + kind],
        is_virtual=True,
        list_kind=f"{kind}List",
    )


def _definitions() -> dict[str, Any]:
    container = {
        "name": {"type": "string", "description": "Name of the container as in the pod's spec.", "default": ""},
        "usage": _USAGE,
    }
    containers = {"type": "array", "items": {"$ref": _PREFIX + "ContainerMetrics"}, "x-kubernetes-list-type": "atomic"}
    described = {"description": "What all containers use, measured over the same time."}
    return {
        _META + "Duration": {"type": "string", "description": "A length of time as Go writes it, such as 1m30s."},
        _PREFIX + "ContainerMetrics": {
            "type": "object",
            "description": "What one container uses.",
            "required": ["name", "usage"],
            "properties": container,
        },
        **_kind("NodeMetrics", "What a node uses.", {"usage": _USAGE}),
        **_kind("PodMetrics", "What a pod uses.", {"containers": containers | described}),
    }


def _kind(kind: str, text: str, own: dict[str, Any]) -> dict[str, Any]:
    """One kind and its list."""
    metadata = {"$ref": _META + "ObjectMeta", "description": "Standard object's metadata."}
    items = {"type": "array", "items": {"$ref": _PREFIX + kind}, "description": f"List of {kind}."}
    list_metadata = {"$ref": _META + "ListMeta", "description": "Standard list metadata."}
    return {
        _PREFIX + kind: _object(kind, text, ["timestamp", "window", *own], {"metadata": metadata, **_SPAN, **own}),
        f"{_PREFIX}{kind}List": _object(
            f"{kind}List", f"A list of {kind}.", ["items"], {"items": items, "metadata": list_metadata}
        ),
    }


def _object(kind: str, text: str, required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": text,
        "required": required,
        "properties": _STANDARD | properties,
        "x-kubernetes-group-version-kind": [{"group": GROUP, "version": VERSION, "kind": kind}],
    }
