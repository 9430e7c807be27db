"""Discovery documents for the resources that a `FakeClient` serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudk8s.client.interface import Resource
from cloudk8s.errors import NotFound

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_VIRTUAL = ("Review", "Binding", "ComponentStatus")


def answer(resources: Sequence[Resource], method: str, path: str) -> Any:
    """The legacy or aggregated document at `path`; aggregated for `/api` and `/apis`."""
    if path in ("/api", "/apis"):
        return _aggregated([r for r in resources if bool(r.group) is (path == "/apis")])
    if path == "/version":
        return {"major": "1", "minor": "37", "gitVersion": "v1.37.0"}
    for resource in resources:
        if path == resource.path().rpartition("/")[0]:
            return _legacy([r for r in resources if r.api_version == resource.api_version], resource.api_version)
    raise NotFound("the server could not find the requested resource")


def _aggregated(resources: Sequence[Resource]) -> Any:
    groups: dict[str, dict[str, list[Resource]]] = {}
    for resource in resources:
        groups.setdefault(resource.group, {}).setdefault(resource.version, []).append(resource)
    return {
        "apiVersion": "apidiscovery.k8s.io/v2",
        "kind": "APIGroupDiscoveryList",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": group} if group else {},
                "versions": [
                    {"version": version, "resources": [_discovered(r) for r in members], "freshness": "Current"}
                    for version, members in reversed(versions.items())
                ],
            }
            for group, versions in groups.items()
        ],
    }


def _discovered(resource: Resource) -> dict[str, Any]:
    return {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.kind.lower(),
        "verbs": _verbs(resource),
    }


def _legacy(resources: Sequence[Resource], group_version: str) -> Any:
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": [
            {
                "name": r.plural,
                "singularName": r.kind.lower(),
                "namespaced": r.namespaced,
                "kind": r.kind,
                "verbs": _verbs(r),
            }
            for r in resources
        ],
    }


def _verbs(resource: Resource) -> list[str]:
    return ["create"] if resource.kind.endswith(_VIRTUAL) else VERBS
