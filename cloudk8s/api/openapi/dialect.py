"""The differences between OpenAPI 2 and 3 where Kubernetes' types meet them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from cloudk8s.api import catalog

Dialect: TypeAlias = Literal["v2", "v3"]

REFERENCE: Final[Mapping[Dialect, str]] = {"v2": "#/definitions/", "v3": "#/components/schemas/"}
_INT_OR_STRING: Final = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_QUANTITY: Final = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_TEXTS: Final[Mapping[str, str]] = {
    _INT_OR_STRING: (
        "IntOrString is a type that can hold an int32 or a string: the number of something, or a percentage or name."
    ),
    _QUANTITY: (
        "Quantity is an exact number with an optional suffix: n, u, m, k, M, G, T, P, E for powers of ten, "
        "Ki, Mi, Gi, Ti, Pi, Ei for powers of two, or an exponent such as e3."
    ),
}
_ONE_OF: Final[Mapping[str, list[dict[str, str]]]] = {
    _INT_OR_STRING: [{"type": "integer"}, {"type": "string"}],
    _QUANTITY: [{"type": "string"}, {"type": "number"}],
}


def definition(name: str, raw: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """One built-in definition, from the registry's form into that of a document."""
    if name in _ONE_OF:
        return _one_value(name, dialect)
    schema: dict[str, Any] = rewrite(raw, dialect)
    for (owner, field), default in catalog.DEFAULTS.items():
        if owner == name and field in schema.get("properties", {}):
            schema["properties"][field]["default"] = default
    return schema


def rewrite(node: Any, dialect: Dialect) -> Any:
    """Make references the dialect's; in version 3 nothing may stand beside a reference, so it moves into `allOf`."""
    if isinstance(node, list):
        return [rewrite(item, dialect) for item in node]
    if not isinstance(node, Mapping):
        return node
    name = node.get("$ref")
    if not isinstance(name, str):
        return {key: rewrite(value, dialect) for key, value in node.items()}
    rest = {key: value for key, value in node.items() if key != "$ref"}
    if dialect == "v3" and rest:
        return {"allOf": [reference(name, dialect)], **rest}
    return reference(name, dialect) | rest


def reference(name: str, dialect: Dialect) -> dict[str, str]:
    """A reference to a definition."""
    return {"$ref": REFERENCE[dialect] + name}


def _one_value(name: str, dialect: Dialect) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": _TEXTS[name]}
    schema |= {"oneOf": _ONE_OF[name]} if dialect == "v3" else {"type": "string"}
    return schema | ({"format": "int-or-string"} if name == _INT_OR_STRING else {})
