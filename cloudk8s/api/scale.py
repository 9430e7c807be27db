"""A workload as an autoscaling/v1 Scale, and a Scale back onto the workload."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.resource import Object
from cloudk8s.machinery import labels

_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(workload: Object) -> Object:
    """The Scale of a Deployment, ReplicaSet, StatefulSet or ReplicationController."""
    metadata, spec, status = workload["metadata"], workload["spec"], workload.get("status") or {}
    wanted, shown = spec.get("replicas", 0) or 0, {"replicas": status.get("replicas", 0)}
    selector = _selector(spec.get("selector"))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in _METADATA if name in metadata},
        "spec": {"replicas": wanted} if wanted else {},
        "status": shown | ({"selector": selector} if selector else {}),
    }


def with_scale(workload: Object, scale: Object) -> Object:
    """The workload with the replica count of a Scale; the parts that do not change are shared."""
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    return {**workload, "spec": {**workload["spec"], "replicas": replicas}}


def _selector(selector: Any) -> str:
    if not selector:
        return ""
    if "matchLabels" in selector or "matchExpressions" in selector:
        return str(labels.from_object(selector))
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
