"""The documents: made when asked for, kept encoded until the registry changes.

A document's hash is made from what it is made of, so that the index can name the hashes of documents that nobody has
asked for yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from cloudk8s import __version__
from cloudk8s.api.openapi import gnostic, published
from cloudk8s.api.openapi.dialect import Dialect, definition
from cloudk8s.api.openapi.operations import Names, Paths, paths
from cloudk8s.api.registry import Registry
from cloudk8s.api.resource import GroupVersion, ResourceType
from cloudk8s.machinery import codec

_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_COMMON: Final = tuple(_META + name for name in ("DeleteOptions", "Patch", "Status", "WatchEvent", "APIResourceList"))


class Document(NamedTuple):
    """An encoded document and its hash."""

    body: bytes
    hash: str


class OpenApi:
    """The OpenAPI documents of one registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._generation = -1
        self._documents: dict[str, Document] = {}

    def index(self) -> Document:
        """`/openapi/v3`: where the document of each group and version is."""
        return self._kept("index", "", lambda: {"paths": {path: self._entry(path) for path in self._places()}})

    def group_version(self, path: str) -> Document | None:
        """`/openapi/v3/PATH`, where PATH is `api/v1` or `apis/GROUP/VERSION`; None where that is not served."""
        place = self._places().get(path)
        if place is None:
            return None
        return self._kept(path, self._hash(place), lambda: self._v3(place))

    def v2(self) -> Document:
        """`/openapi/v2`: everything in one document."""
        return self._kept("v2", "", self._v2)

    def v2_protobuf(self) -> Document:
        """`/openapi/v2` in gnostic's protobuf form; it has a hash of its own."""
        return self._kept("v2 protobuf", "", self._v2, encode=gnostic.encode)

    def _kept(
        self,
        key: str,
        hash: str,
        make: Callable[[], Mapping[str, Any]],
        *,
        encode: Callable[[Mapping[str, Any]], bytes] = codec.encode,
    ) -> Document:
        if self._generation != self._registry.generation:
            self._generation = self._registry.generation
            self._documents = {path: kept for path, kept in self._documents.items() if self._is_fresh(path, kept)}
        found = self._documents.get(key)
        if found is None:
            body = encode(make())
            found = self._documents[key] = Document(body, hash or hashlib.sha256(body).hexdigest().upper())
        return found

    def _is_fresh(self, path: str, kept: Document) -> bool:
        place = self._places().get(path)
        return place is not None and self._hash(place) == kept.hash

    def _places(self) -> dict[str, GroupVersion]:
        return {
            f"apis/{group.name}/{version}" if group.name else f"api/{version}": GroupVersion(group.name, version)
            for group in self._registry.groups()
            for version in group.versions
        }

    def _entry(self, path: str) -> dict[str, str]:
        return {"serverRelativeURL": f"/openapi/v3/{path}?hash={self._hash(self._places()[path])}"}

    def _hash(self, place: GroupVersion) -> str:
        """A digest of what the document is made of: both releases, and the definitions of custom resources."""
        customs = [item.custom for item in self._registry.resources(*place) if item.custom is not None]
        specs = codec.encode_sorted([custom.get("spec") for custom in customs])
        text = f"{__version__} {self._registry.version} {self._registry.definitions.sources} {place}".encode()
        return hashlib.sha256(text + specs).hexdigest().upper()

    def _v3(self, place: GroupVersion) -> dict[str, Any]:
        made = self._made(self._registry.resources(*place), "v3")
        return {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": f"v{self._registry.version}.0"},
            "paths": made.paths,
            "components": {"schemas": dict(sorted(made.schemas.items())), "securitySchemes": _security("v3")},
        }

    def _v2(self) -> dict[str, Any]:
        made = self._made(self._registry.resources(), "v2")
        return {
            "swagger": "2.0",
            "info": {"title": "Kubernetes", "version": f"v{self._registry.version}.0"},
            "paths": made.paths,
            "definitions": dict(sorted(made.schemas.items())),
            "securityDefinitions": _security("v2"),
            "security": [{"BearerToken": []}],
        }

    def _made(self, resources: tuple[ResourceType, ...], dialect: Dialect) -> _Made:
        made = _Made({}, {})
        for resource in resources:
            if resource.custom is None and not resource.schema.name:
                continue  # a metric: it has a value, and no type of its own
            if resource.custom is not None:
                made.schemas.update(published.schemas(resource, dialect))
            made.paths.update(paths(resource, self._names(resource), self._subresource_names(resource), dialect))
        for name in self._reachable(made):
            made.schemas[name] = definition(name, self._registry.definitions.raw(name), dialect)
        return made

    def _names(self, resource: ResourceType) -> Names:
        if resource.custom is not None:
            return published.names(resource)
        name = resource.schema.name
        return Names(name, name + "List" if name + "List" in self._registry.definitions else "")

    def _subresource_names(self, resource: ResourceType) -> dict[str, str]:
        """Definition names of the kinds that subresources speak; logs are text, connections have no body at all."""
        found: dict[str, str] = {}
        for item in resource.subresources.values():
            group, version = (item.group, item.version) if item.version else (resource.group, resource.version)
            schema = self._registry.schema(group, version, item.kind)
            if schema is not None and item.name != "log":
                found[item.name] = published.names(resource).kind if schema is resource.schema else schema.name
        return found

    def _reachable(self, made: _Made) -> Iterator[str]:
        """Built-in definitions that the paths and custom schemas refer to, in the end."""
        seen: set[str] = set()
        waiting = [*_COMMON, *_references(made.paths), *_references(made.schemas)]
        while waiting:
            name = waiting.pop()
            if name not in seen and name in self._registry.definitions:
                seen.add(name)
                yield name
                waiting.extend(_references(self._registry.definitions.raw(name)))


class _Made(NamedTuple):
    schemas: dict[str, Any]
    paths: Paths


def _references(node: Any) -> Iterator[str]:
    """Names that `$ref` leads to anywhere inside, whatever the dialect."""
    if isinstance(node, Mapping):
        if isinstance(name := node.get("$ref"), str):
            yield name.rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _security(dialect: Dialect) -> dict[str, Any]:
    scheme = {"description": "Bearer Token authentication", "type": "apiKey", "name": "authorization", "in": "header"}
    return {"BearerToken": scheme}
