"""Services, slices and rules in as few words as a test needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.network.proxy.model import Backend, Rule, RuleKey

HTTP = {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}


def service(
    name: str = "web", *, namespace: str = "shop", ports: Sequence[dict[str, Any]] = (HTTP,), **spec: Any
) -> Object:
    """A Service with cluster IP 10.96.0.7."""
    status = spec.pop("status", {})
    labels = spec.pop("labels", {})
    body = {"type": "ClusterIP", "clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7"], "ports": list(ports), **spec}
    metadata = {"name": name, "namespace": namespace, "labels": labels, "uid": f"uid-{name}"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": body, "status": status}


def endpoint(
    address: str, *, node: str = "n1", ready: bool = True, hints: dict[str, Any] | None = None, **conditions: Any
) -> dict[str, Any]:
    """An entry of a slice."""
    found: dict[str, Any] = {"addresses": [address], "nodeName": node, "conditions": {"ready": ready, **conditions}}
    return found | ({"hints": hints} if hints else {})


def slice_of(
    endpoints: Sequence[dict[str, Any]], *, name: str = "web-1", service: str = "web", namespace: str = "shop",
    ports: Sequence[dict[str, Any]] = ({"name": "http", "port": 8080, "protocol": "TCP"},), family: str = "IPv4",
) -> Object:  # fmt: skip
    """An EndpointSlice of a Service."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": service}},
        "addressType": family,
        "endpoints": list(endpoints),
        "ports": list(ports),
    }


def rule(name: str = "web", *, backends: Sequence[tuple[str, int]] = (("10.244.0.5", 8080),), **fields: Any) -> Rule:
    """A rule of one TCP port 80."""
    key = RuleKey("shop", name, "http", fields.pop("protocol", "TCP"), fields.pop("family", "IPv4"))
    cluster = tuple(Backend(*item) for item in backends)
    local = tuple(Backend(*item) for item in fields.pop("local", ()))
    defaults: dict[str, Any] = {"cluster_ip": "10.96.0.7", "port": 80, "has_any": bool(cluster)}
    return Rule(key, cluster=cluster, local=local, **(defaults | fields))
