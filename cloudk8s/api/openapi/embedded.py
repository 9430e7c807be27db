"""Objects within custom resources (`x-kubernetes-embedded-resource`): published with what every object has."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.custom.schema import EMBEDDED, PRESERVE
from cloudk8s.api.openapi.dialect import Dialect, rewrite

_CONVENTIONS: Final = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
_TYPE_META: Final = {
    "apiVersion": {
        "description": "apiVersion defines the versioned schema of this representation of an object. "
        f"More info: {_CONVENTIONS}#resources",
        "type": "string",
    },
    "kind": {
        "description": "kind is a string value representing the type of this object. In CamelCase. "
        f"More info: {_CONVENTIONS}#types-kinds",
        "type": "string",
    },
}
_METADATA: Final = {
    "$ref": "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    "description": f"Standard object's metadata. More info: {_CONVENTIONS}#metadata",
}


def described(node: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """A copy of a structural schema in which embedded objects have `apiVersion`, `kind` and `metadata`."""
    made = dict(node)
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = described(made[key], dialect)
    if "properties" in made:
        made["properties"] = {key: described(value, dialect) for key, value in made["properties"].items()}
    if not made.get(EMBEDDED) or (dialect == "v2" and made.get(PRESERVE)):
        return made
    own = _TYPE_META | {"metadata": rewrite(_METADATA, dialect)}
    made["properties"] = (made.get("properties") or {}) | own
    required = made.get("required") or []
    made["required"] = [*required, *(name for name in ("kind", "apiVersion") if name not in required)]
    return made
