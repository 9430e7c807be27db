"""What a running server does around strategies, as far as the golden corpus needs it: decoding, allocation and more."""

from __future__ import annotations

from functools import cache
from typing import Any

from cloudk8s.api.decode import Decoder
from cloudk8s.api.registry import Registry, load_registry
from cloudk8s.api.resource import ResourceType
from cloudk8s.machinery import codec

TAILS = ("status", "finalize", "ephemeralcontainers", "resize", "approval")
_NOW_FIELDS = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink")
_ALLOCATED = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort")
_ADMITTED = ("volumes", "tolerations", "priority", "preemptionPolicy", "serviceAccountName", "serviceAccount")


def keep_allocated(spec: dict[str, Any], before: dict[str, Any]) -> None:
    """What the API server's allocation carries over to an updated Service, or allocates."""
    if spec.get("type") != "ExternalName":
        if spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local":
            spec.setdefault("healthCheckNodePort", 30124)
        if not spec.get("clusterIP"):
            spec.update({key: before[key] for key in ("clusterIP", "clusterIPs") if key in before})
        else:
            spec.setdefault("clusterIPs", [spec["clusterIP"]])
        for key in ("ipFamilies", "ipFamilyPolicy"):
            if key in before:
                spec.setdefault(key, before[key])
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        for number, port in enumerate(spec.get("ports") or (), 30123):
            port.setdefault("nodePort", number)


def keep_admitted(spec: dict[str, Any], before: dict[str, Any]) -> None:
    """What admission plugins set in an updated Pod."""
    for key in ("priority", "preemptionPolicy"):
        if key in before:
            spec.setdefault(key, before[key])
    given = spec.get("tolerations") or []
    keys = {item.get("key") for item in given}
    added = [item for item in before.get("tolerations") or [] if item.get("key") not in keys]
    spec["tolerations"] = [*given, *added]


def comparable(obj: Any) -> Any:
    """An answer without what the server adds beyond strategies."""
    obj = codec.copy(obj)
    for key in _NOW_FIELDS:
        obj.get("metadata", {}).pop(key, None)
    spec = obj.get("spec") or {}
    if obj.get("kind") == "Service":
        for key in _ALLOCATED:
            spec.pop(key, None)
        for port in spec.get("ports") or ():
            port.pop("nodePort", None)
    if obj.get("kind") == "Pod":
        for key in _ADMITTED:
            spec.pop(key, None)
        for container in spec.get("containers") or ():
            container.pop("volumeMounts", None)
    if obj.get("kind") in ("PersistentVolume", "PersistentVolumeClaim", "VolumeAttributesClass"):
        obj.get("metadata", {}).pop("finalizers", None)
    if obj.get("kind") == "Node":
        spec.pop("taints", None)
    return obj


@cache
def registry() -> Registry:
    return load_registry("1.36")


@cache
def decoder() -> Decoder:
    return Decoder(registry())


def resource_at(path: str) -> ResourceType:
    """The resource that a request path names."""
    parts = path.strip("/").split("/")
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in TAILS:
        rest = rest[2:]
    resource = registry().lookup(group, version, rest[0])
    assert resource, path
    return resource


def group_of(path: str) -> str:
    parts = path.strip("/").split("/")
    return parts[1] if parts[0] == "apis" else ""


def merge(target: Any, patch: Any) -> Any:
    """A JSON merge patch."""
    if not isinstance(patch, dict):
        return patch
    target = target if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = merge(target.get(key), value)
    return target
