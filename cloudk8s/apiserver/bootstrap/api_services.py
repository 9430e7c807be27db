"""One APIService for each group and version that this server answers itself, as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from cloudk8s.api.registry import Registry
from cloudk8s.api.resource import Object

_OWN_GROUP: Final = "apiregistration.k8s.io"
"""Where APIServices come from, which has none itself."""
_GROUPS: Final = {
    "": 18000, "apps": 17800, "events.k8s.io": 17750, "authentication.k8s.io": 17700, "authorization.k8s.io": 17600,
    "autoscaling": 17500, "batch": 17400, "certificates.k8s.io": 17300, "networking.k8s.io": 17200, "policy": 17100,
    "rbac.authorization.k8s.io": 17000, "storage.k8s.io": 16800, "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700, "scheduling.k8s.io": 16600, "coordination.k8s.io": 16500,
    "node.k8s.io": 16300, "discovery.k8s.io": 16200, "flowcontrol.apiserver.k8s.io": 16100,
    "internal.apiserver.k8s.io": 16000, "resource.k8s.io": 15900, "storagemigration.k8s.io": 15800,
}  # fmt: skip
"""Upstream's priorities, by which clients see groups in order."""
_OTHER_GROUP: Final = 15700
_VERSIONS: Final = {("", "v1"): 1, ("autoscaling", "v2"): 30, ("flowcontrol.apiserver.k8s.io", "v1"): 21}


def local_api_services(registry: Registry) -> list[Object]:
    """The APIServices of what is built in."""
    return [_local(group, version) for group, version in _group_versions(registry)]


def api_service(group: str, version: str, group_priority: int, version_priority: int, *, kept: str) -> Object:
    """One APIService without a service behind it; `kept` says when it is looked after, in upstream's words."""
    metadata = {"name": f"{version}.{group}", "labels": {"kube-aggregator.kubernetes.io/automanaged": kept}}
    spec: Object = {"version": version} | ({"group": group} if group else {})
    spec |= {"groupPriorityMinimum": group_priority, "versionPriority": version_priority}
    return {"apiVersion": f"{_OWN_GROUP}/v1", "kind": "APIService", "metadata": metadata, "spec": spec}


def available(now: str) -> Object:
    """The condition of every local APIService."""
    text = "Local APIServices are always available"
    return {"type": "Available", "status": "True", "lastTransitionTime": now, "reason": "Local", "message": text}


def _group_versions(registry: Registry) -> Iterator[tuple[str, str]]:
    seen: Iterable[tuple[str, str]] = dict.fromkeys(
        (resource.group, resource.version)
        for resource in registry.resources()
        if resource.custom is None and resource.group != _OWN_GROUP
    )
    yield from seen


def _local(group: str, version: str) -> Object:
    stage = 12 if "beta" in version else 9 if "alpha" in version else 15
    priority = _VERSIONS.get((group, version), stage)
    return api_service(group, version, _GROUPS.get(group, _OTHER_GROUP), priority, kept="onstart")
