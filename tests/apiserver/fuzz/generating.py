"""Strategies for requests: objects that are nearly right, patches, queries, and plain junk."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from cloudk8s.api.registry import Registry
from cloudk8s.api.resource import ResourceType
from cloudk8s.machinery.schema import Schema

NAMES = ("a", "b", "web-1")
_TEXTS = st.sampled_from(
    ["", "a", "b", "web-1", "1", "10", "50%", "Always", "TCP", "A.b/C", "é\n\u2028", "x" * 300, "*", "=", "-1"]
)
_NUMBERS = st.sampled_from(
    [0, 1, -1, 2, 80, 65536, 2**31, -(2**31) - 1, 2**63, -(2**63) - 1, 10**30, 0.5, -1e300, 1e-9]
)
_LEAVES = st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS)
JUNK = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)),
    max_leaves=5,
)
_QUANTITIES = st.sampled_from(["1", "500m", "1Gi", "0", "-1", "1e400", "10E", "x", 5, 0.5])
_TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5+02:00", "0001-01-01T00:00:00Z", "x", ""])
_QUERY_NAMES = st.sampled_from([
    "limit", "continue", "resourceVersion", "resourceVersionMatch", "labelSelector", "fieldSelector", "timeoutSeconds",
    "fieldManager", "fieldValidation", "dryRun", "force", "gracePeriodSeconds", "propagationPolicy", "pretty",
    "orphanDependents", "includeObject", "timeout", "sendInitialEvents", "allowWatchBookmarks",
])  # fmt: skip
_QUERY_VALUES = st.sampled_from([
    "", "0", "1", "-1", "true", "false", "x", "All", "Strict", "Warn", "Exact", "NotOlderThan", "a=b", "a in (b,c)",
    "metadata.name=a", "spec.x!=1", "!a", "a,", "%00", "9" * 30, "9" * 5000, "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ", "1s",
    "%F0", "None", "Object", "Background", "Orphan", "e30", "\u0661",
])  # fmt: skip
QUERIES = st.dictionaries(_QUERY_NAMES, _QUERY_VALUES, max_size=4)


@st.composite
def objects(draw: st.DrawFn, registry: Registry, resource: ResourceType) -> Any:
    """An object of a resource's kind, with a name that others may have."""
    odd = not draw(st.integers(0, 3))
    obj: Any = draw(values(resource.schema, 6, odd=odd)) if draw(st.integers(0, 30)) else draw(JUNK)
    if not isinstance(obj, dict):
        return obj
    if draw(st.integers(0, 9)):
        obj |= {"apiVersion": resource.api_version, "kind": resource.kind}
    metadata = obj.get("metadata")
    if isinstance(metadata, dict) and draw(st.integers(0, 9)):
        obj["metadata"] = {
            **{key: value for key, value in metadata.items() if draw(st.booleans())},
            "name": draw(st.sampled_from(NAMES)),
        }
        obj["metadata"].pop("namespace", None)
    return obj


@st.composite
def values(draw: st.DrawFn, schema: Schema, depth: int, *, odd: bool) -> Any:
    """A value of a type; where things are odd, now and then another one."""
    if odd and not draw(st.integers(0, 20)):
        return draw(JUNK)
    if schema.format == "quantity":
        return draw(_QUANTITIES)
    if schema.format == "date-time":
        return draw(_TIMES)
    if schema.format == "int-or-string":
        return draw(st.one_of(_TEXTS, st.integers(-1, 100)))
    if schema.properties is not None:
        return draw(_structs(schema, depth, odd=odd))
    if schema.type == "array" and schema.items is not None:
        return [
            draw(values(schema.items, depth - 1, odd=odd)) for _ in range(draw(st.integers(0, 2)) if depth > 0 else 0)
        ]
    if schema.type == "object" and schema.additional is not None:
        keys = draw(st.lists(_TEXTS, max_size=2)) if depth > 0 else []
        return {key: draw(values(schema.additional, depth - 1, odd=odd)) for key in keys}
    return draw(_SCALARS.get(schema.type, JUNK))


_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": _TEXTS, "boolean": st.booleans(), "integer": st.integers(-1, 100), "number": _NUMBERS,
}  # fmt: skip


@st.composite
def _structs(draw: st.DrawFn, schema: Schema, depth: int, *, odd: bool) -> dict[str, Any]:
    """What is required, mostly, and a few of the other fields."""
    properties = schema.properties or {}
    optional = [key for key in properties if key not in schema.required and key not in ("kind", "apiVersion")]
    chosen = [key for key in schema.required if key in properties and (not odd or draw(st.integers(0, 20)))]
    if optional and depth > 0:
        chosen += draw(st.lists(st.sampled_from(optional), max_size=3, unique=True))
    return {key: draw(values(properties[key], depth - 1, odd=odd)) for key in chosen}


@st.composite
def json_patches(draw: st.DrawFn, registry: Registry, resource: ResourceType) -> Any:
    """JSON patches whose paths may lead somewhere."""
    paths = st.sampled_from([
        "", "/", "/metadata", "/metadata/labels", "/metadata/labels/a", "/metadata/name", "/spec", "/spec/containers/0",
        "/spec/containers/-", "/spec/containers/9999999", "/spec/containers/01", "/data/a", "/~", "/~2",
        "/metadata/finalizers/-", "/kind", "/apiVersion", "/metadata/managedFields", "/status", "/spec/replicas", "x",
    ])  # fmt: skip
    operation = st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"]), "path": paths},
        optional={"value": JUNK, "from": paths},
    )
    return draw(st.one_of(st.lists(operation, max_size=4), JUNK))


@st.composite
def strategic(draw: st.DrawFn, registry: Registry, resource: ResourceType) -> Any:
    """Strategic merge patches with directives in odd places."""
    patch = draw(objects(registry, resource))
    if not isinstance(patch, dict):
        return patch
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from([patch, *(value for value in patch.values() if isinstance(value, dict))]))
        key = draw(st.sampled_from([
            "$patch", "$retainKeys", "$setElementOrder/containers", "$deleteFromPrimitiveList/finalizers",
            "$setElementOrder/finalizers", "$deleteFromPrimitiveList/x", "$setElementOrder/ports",
        ]))  # fmt: skip
        place[key] = draw(st.one_of(st.sampled_from(["delete", "replace", "merge"]), JUNK))
    return patch
