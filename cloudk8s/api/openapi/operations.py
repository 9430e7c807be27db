"""The paths of a resource and what can be done there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from cloudk8s.api.openapi import parameters
from cloudk8s.api.openapi.dialect import Dialect, reference
from cloudk8s.api.resource import ResourceType, Subresource

Paths = dict[str, dict[str, Any]]

_JSON: Final = ("application/json", "application/yaml")
_PATCHES: Final = (
    "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)  # fmt: skip
"""The last is for built-in kinds only; kubectl looks here for what it may send."""
_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_METHODS: Final[Mapping[str, str]] = {"list": "get", "deletecollection": "delete"}
_VERBS: Final[Mapping[str, str]] = {"create": "post", "update": "put"}
_NAMES: Final[Mapping[str, str]] = {
    "get": "read", "post": "create", "put": "replace", "deletecollection": "delete",
}  # fmt: skip
_CODES: Final[Mapping[str, str]] = {"201": "Created", "202": "Accepted"}
_CREATED: Final[Mapping[str, tuple[str, ...]]] = {
    "post": ("201", "202"), "put": ("201",), "patch": ("201",), "delete": ("202",),
}  # fmt: skip
_COLLECTION: Final = ("list", "create", "deletecollection")


class Names(NamedTuple):
    """Definition names that the operations of a resource refer to."""

    kind: str
    list_kind: str


class _Place(NamedTuple):
    """Where operations are: an item's path or a collection's, in one namespace or in all, below a subresource."""

    names: Names
    named: bool = False
    everywhere: bool = False
    subresource: Subresource | None = None


def paths(resource: ResourceType, names: Names, subresource_names: Mapping[str, str], dialect: Dialect) -> Paths:
    """All paths of a resource and its subresources."""
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    place = f"{root}/namespaces/{{namespace}}" if resource.namespaced else root
    collection, item = f"{place}/{resource.plural}", f"{place}/{resource.plural}/{{name}}"
    maker = _Maker(resource, dialect)
    item_verbs = [verb for verb in resource.verbs if verb not in (*_COLLECTION, "watch")]
    found: Paths = {
        collection: maker.path([verb for verb in resource.verbs if verb in _COLLECTION], _Place(names)),
        item: maker.path(item_verbs, _Place(names, named=True)),
    }
    if resource.namespaced and "list" in resource.verbs:
        found[f"{root}/{resource.plural}"] = maker.path(["list"], _Place(names, everywhere=True))
    for subresource in resource.subresources.values():
        spoken = Names(subresource_names.get(subresource.name, ""), "")
        below = _Place(spoken, named=True, subresource=subresource)
        found[f"{item}/{subresource.name}"] = maker.path(subresource.verbs, below)
    return {path: operations for path, operations in found.items() if operations}


class _Maker:
    """Makes the operations of one resource."""

    def __init__(self, resource: ResourceType, dialect: Dialect) -> None:
        self._resource = resource
        self._dialect: Dialect = dialect

    def path(self, verbs: Sequence[str], place: _Place) -> dict[str, Any]:
        """What one path can do, by HTTP method."""
        made: dict[str, Any] = {}
        for verb in verbs:
            action = _VERBS.get(verb, verb)
            made[_METHODS.get(action, action)] = self._operation(action, place)
        if made:
            made["parameters"] = list(self._path_parameters(place))
        return made

    def _path_parameters(self, place: _Place) -> Iterator[dict[str, Any]]:
        if place.named:
            yield parameters.path("name", self._dialect)
        if self._resource.namespaced and not place.everywhere:
            yield parameters.path("namespace", self._dialect)
        yield parameters.pretty(self._dialect)

    def _operation(self, action: str, place: _Place) -> dict[str, Any]:
        kind = self._kind(place.subresource)
        is_connect = kind["kind"].endswith("Options")
        operation: dict[str, Any] = {
            "operationId": self._id(action, place, is_connect=is_connect),
            "tags": [_tag(self._resource)],
            "x-kubernetes-action": "connect" if is_connect else action,
            "x-kubernetes-group-version-kind": kind,
        }
        query = [] if is_connect else parameters.query(action, self._dialect)
        body = "" if is_connect else _body(action, place.names)
        make = _v3 if self._dialect == "v3" else _v2
        media = _JSON if action != "patch" else _PATCHES if self._resource.custom is None else _PATCHES[:-1]
        return operation | make(action, query, body, media, place.names)

    def _kind(self, subresource: Subresource | None) -> dict[str, str]:
        resource = self._resource
        if subresource is None:
            return {"group": resource.group, "version": resource.version, "kind": resource.kind}
        own = (resource.group, resource.version)
        group, version = (subresource.group, subresource.version) if subresource.version else own
        return {"group": group, "version": version, "kind": subresource.kind}

    def _id(self, action: str, place: _Place, *, is_connect: bool) -> str:
        resource = self._resource
        verb = f"connect{action.capitalize()}" if is_connect else _NAMES.get(action, action)
        group = "".join(part[0].upper() + part[1:] for part in _tag(resource).split("_"))
        many = "Collection" if action == "deletecollection" else ""
        scope = "Namespaced" if resource.namespaced and not place.everywhere else ""
        below = place.subresource.name.capitalize() if place.subresource else ""
        tail = "ForAllNamespaces" if place.everywhere else below
        return f"{verb}{group}{many}{scope}{resource.kind}{tail}"


def _tag(resource: ResourceType) -> str:
    """`core_v1`, `rbacAuthorization_v1`: the group without its domain, in camel case."""
    first, *more = (resource.group.removesuffix(".k8s.io") or "core").split(".")
    return f"{first}{''.join(part.capitalize() for part in more)}_{resource.version}"


def _body(action: str, names: Names) -> str:
    if action in ("post", "put"):
        return names.kind
    return {"patch": _META + "Patch", "delete": _META + "DeleteOptions"}.get(action, "")


def _answer(action: str, names: Names) -> str:
    if action in ("delete", "deletecollection"):
        return _META + "Status"
    return names.list_kind if action == "list" else names.kind


def _codes(action: str) -> tuple[tuple[str, str], ...]:
    created = _CREATED.get(action, ())
    return (("200", "OK"), *((code, _CODES[code]) for code in created), ("401", "Unauthorized"))


def _v3(action: str, query: list[dict[str, Any]], body: str, media: tuple[str, ...], names: Names) -> dict[str, Any]:
    made: dict[str, Any] = {"parameters": query} if query else {}
    if body:
        sent = {"schema": reference(body, "v3")}
        made["requestBody"] = {"content": dict.fromkeys(media, sent), "required": action != "delete"}
    answer = _answer(action, names)
    content: dict[str, Any] = {"schema": reference(answer, "v3") if answer else {"type": "string"}}
    types = _JSON if answer else ("*/*",)
    made["responses"] = {
        code: {"description": text} | ({"content": dict.fromkeys(types, content)} if code != "401" else {})
        for code, text in _codes(action)
    }
    return made


def _v2(action: str, query: list[dict[str, Any]], body: str, media: tuple[str, ...], names: Names) -> dict[str, Any]:
    if body:
        sent = {"name": "body", "in": "body", "required": action != "delete", "schema": reference(body, "v2")}
        query = [*query, sent]
    answer = _answer(action, names)
    schema: dict[str, Any] = {"schema": reference(answer, "v2") if answer else {"type": "string"}}
    return {
        "consumes": list(media) if action == "patch" else ["*/*"],
        "produces": list(_JSON) if answer else ["*/*"],
        "schemes": ["https"],
        "parameters": query,
        "responses": {code: {"description": text} | (schema if code != "401" else {}) for code, text in _codes(action)},
    }
