"""Objects that the tests of this folder make."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
IMAGE = "registry.k8s.io/pause:3.10"


def template(labels: dict[str, str], annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    containers = [{"name": "c", "image": IMAGE}]
    metadata = {"labels": labels, "annotations": {**(annotations or {})}}
    return {"metadata": metadata, "spec": {"containers": containers, "terminationGracePeriodSeconds": 0, **spec}}


def pod(name: str, annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    made = template({"app": name}, annotations, **spec)
    made["metadata"]["name"] = name
    return {"apiVersion": "v1", "kind": "Pod", **made}


def asking(**requests: str) -> list[Object]:
    """Containers that request so much of each resource."""
    return [{"name": "c", "image": IMAGE, "resources": {"requests": requests}}]


def workload(kind: str, name: str, replicas: int | None = None, pod: Object | None = None, **spec: Any) -> Object:
    """Something of apps/v1 whose pods carry its name; `pod` has fields of their spec."""
    labels = {"app": name}
    counted = {} if replicas is None else {"replicas": replicas}
    made = {"selector": {"matchLabels": labels}, "template": template(labels, **(pod or {})), **counted, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": made}


def job(name: str, annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    made = {"template": template({"job": name}, annotations, restartPolicy="Never"), **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": made}


def service(name: str, **spec: Any) -> Object:
    ports = [{"port": 80, "targetPort": 8080}]
    made = {"selector": {"app": name}, "ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": made}


def is_ready(pod: Object) -> bool:
    found = pod["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in found)
