"""Discovery documents, legacy and aggregated, exactly as upstream shapes and orders them.

Pure: registry in, documents out. `Discovery` keeps them encoded until the registry changes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from cloudk8s.api.registry import Group, Registry
from cloudk8s.api.resource import ResourceType, Subresource
from cloudk8s.machinery import codec

AGGREGATED_GROUP: Final = "apidiscovery.k8s.io"
AGGREGATED_KIND: Final = "APIGroupDiscoveryList"


class Document(NamedTuple):
    """An encoded document and its tree, which is shared and read-only."""

    tree: Mapping[str, Any]
    body: bytes
    etag: str
    """Quoted, as the header carries it."""


class Discovery:
    """The documents of one registry, made when asked for and kept until the registry changes."""

    def __init__(self, registry: Registry, *, server_address: str) -> None:
        self._registry = registry
        self.server_address = server_address
        """Host and port that clients are told to use."""
        self._generation = -1
        self._documents: dict[tuple[str, ...], Document] = {}

    def versions(self) -> Document:
        """`/api`."""
        address = {"clientCIDR": "0.0.0.0/0", "serverAddress": self.server_address}
        core = self._registry.group("")
        tree: dict[str, Any] = {"kind": "APIVersions", "versions": list(core.versions) if core else []}
        tree |= {"serverAddressByClientCIDRs": [address]}
        return self._document("versions", self.server_address, make=lambda: tree)

    def groups(self) -> Document:
        """`/apis`."""
        return self._document("groups", make=lambda: group_list(self._registry))

    def group(self, name: str) -> Document | None:
        """`/apis/GROUP`; None where there is no such group."""
        found = self._registry.group(name)
        if not name or found is None:
            return None
        head = {"kind": "APIGroup", "apiVersion": "v1"}
        return self._document("group", name, make=lambda: head | api_group(found))

    def resources(self, group: str, version: str) -> Document | None:
        """`/api/v1`, `/apis/GROUP/VERSION`; None where that version is not served."""
        found = self._registry.group(group)
        if found is None or version not in found.versions:
            return None
        return self._document("resources", group, version, make=lambda: resource_list(self._registry, group, version))

    def aggregated(self, *, core: bool, version: str = "v2") -> Document:
        """`/api` (core) or `/apis` for a client that asks for everything at once."""
        place = "core" if core else "groups"
        return self._document("aggregated", place, version, make=lambda: aggregated(self._registry, core, version))

    def _document(self, *key: str, make: Callable[[], Mapping[str, Any]]) -> Document:
        if self._generation != self._registry.generation:
            self._documents.clear()
            self._generation = self._registry.generation
        found = self._documents.get(key)
        if found is None:
            tree = make()
            body = codec.encode(tree)
            found = self._documents[key] = Document(tree, body, f'"{hashlib.sha512(body).hexdigest().upper()}"')
        return found


def group_list(registry: Registry) -> dict[str, Any]:
    """The document at `/apis`."""
    groups = [api_group(group) for group in registry.groups() if group.name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def api_group(group: Group) -> dict[str, Any]:
    """One group with its versions, the preferred one first."""
    versions = [{"groupVersion": f"{group.name}/{version}", "version": version} for version in group.versions]
    return {"name": group.name, "versions": versions, "preferredVersion": versions[0]}


def resource_list(registry: Registry, group: str, version: str) -> dict[str, Any]:
    """The resources of one version, each followed by its subresources."""
    head = {"kind": "APIResourceList"} | ({"apiVersion": "v1"} if group else {})
    found = registry.resources(group, version)
    rows = [row for resource in found for row in _rows(resource, storage_version_hash(registry, resource))]
    return head | {"groupVersion": f"{group}/{version}" if group else version, "resources": rows}


def storage_version_hash(registry: Registry, resource: ResourceType) -> str:
    """Upstream's hash of the type that a resource is stored as; empty where nothing is stored."""
    if resource.is_virtual:
        return ""
    group = {"core": ""}.get(resource.storage_group, resource.storage_group or resource.group)
    version = registry.published_versions.get(resource) or resource.storage_version or resource.version
    text = f"{group}/{version}/{resource.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def aggregated(registry: Registry, core: bool, version: str) -> dict[str, Any]:
    """The aggregated document of the core group, or of all others."""
    items = [_aggregated_group(registry, group) for group in registry.groups() if (group.name == "") == core]
    return {
        "kind": AGGREGATED_KIND, "apiVersion": f"{AGGREGATED_GROUP}/{version}", "metadata": {}, "items": items,
    }  # fmt: skip


def _rows(resource: ResourceType, hash: str) -> Iterator[dict[str, Any]]:
    row: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": resource.verbs,
    }
    row |= _names(resource)
    if hash:
        row["storageVersionHash"] = hash
    yield row
    for subresource in resource.subresources.values():
        yield _subresource_row(resource, subresource)


def _subresource_row(resource: ResourceType, subresource: Subresource) -> dict[str, Any]:
    name = f"{resource.plural}/{subresource.name}"
    row: dict[str, Any] = {"name": name, "singularName": "", "namespaced": resource.namespaced}
    if subresource.version:
        row |= {"group": subresource.group, "version": subresource.version}
    return row | {"kind": subresource.kind, "verbs": subresource.verbs}


def _names(resource: ResourceType) -> dict[str, Any]:
    named = {"shortNames": resource.short_names, "categories": resource.categories}
    return {key: names for key, names in named.items() if names}


def _aggregated_group(registry: Registry, group: Group) -> dict[str, Any]:
    versions = [
        {
            "version": version,
            "resources": [_aggregated_resource(item) for item in registry.resources(group.name, version)],
            "freshness": "Current",
        }
        for version in group.versions
    ]
    return {"metadata": {"name": group.name} if group.name else {}, "versions": versions}


def _aggregated_resource(resource: ResourceType) -> dict[str, Any]:
    own = (resource.group, resource.version) if resource.custom is not None else ("", "")
    row: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": _kind(*own, resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    }
    row |= _names(resource)
    subresources = [
        {
            "subresource": item.name,
            "responseKind": _kind(*((item.group, item.version) if item.version else own), item.kind),
            "verbs": item.verbs,
        }
        for item in resource.subresources.values()
    ]
    return row | ({"subresources": subresources} if subresources else {})


def _kind(group: str, version: str, kind: str) -> dict[str, str]:
    return {"group": group, "version": version, "kind": kind}
