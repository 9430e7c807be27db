"""The built-in objects, as data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cloudk8s.api.resource import Object

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


def namespaces() -> list[Object]:
    """The four namespaces that cannot be deleted, or come back."""
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in NAMESPACES]


def priority_classes() -> list[Object]:
    """The two classes of system pods."""
    return [
        _priority_class("system-cluster-critical", 2000000000, _CLUSTER_CRITICAL),
        _priority_class("system-node-critical", 2000001000, _NODE_CRITICAL),
    ]


def extension_authentication(client_ca: str, requestheader_ca: str) -> Object:
    """The ConfigMap from which extension API servers learn whom to trust."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "extension-apiserver-authentication", "namespace": "kube-system"},
        "data": {
            "client-ca-file": client_ca,
            "requestheader-allowed-names": '["front-proxy-client"]',
            "requestheader-client-ca-file": requestheader_ca,
            "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
            "requestheader-group-headers": '["X-Remote-Group"]',
            "requestheader-username-headers": '["X-Remote-User"]',
        },
    }


def token_tracking(now: datetime) -> Object:
    """The ConfigMap that says since when uses of service-account tokens in Secrets are noticed."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kube-apiserver-legacy-service-account-token-tracking", "namespace": "kube-system"},
        "data": {"since": now.strftime("%Y-%m-%d")},
    }


def service_cidr(ranges: list[str]) -> Object:
    """The default range of Service addresses."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": "kubernetes"},
        "spec": {"cidrs": ranges},
    }


def kubernetes_service(address: str, port: int, service_port: int = 443) -> Object:
    """The Service by which pods reach the API server."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": _COMPONENT},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": address,
            "ports": [{"name": "https", "port": service_port, "protocol": "TCP", "targetPort": port}],
            "sessionAffinity": "None",
        },
    }


def kubernetes_endpoints(addresses: Sequence[str], port: int) -> list[Object]:
    """Where API servers listen, as Endpoints and as an EndpointSlice."""
    family = "IPv6" if ":" in addresses[0] else "IPv4"
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    metadata = {"name": "kubernetes", "namespace": "default"}
    labels = {"kubernetes.io/service-name": "kubernetes"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": metadata | {"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
            "subsets": [{"addresses": [{"ip": address} for address in addresses], "ports": ports}],
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": metadata | {"labels": labels},
            "addressType": family,
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
            "ports": ports,
        },
    ]


_COMPONENT = {"component": "apiserver", "provider": "kubernetes"}
_CLUSTER_CRITICAL = (
    "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."
)
_NODE_CRITICAL = "Used for system critical pods that must not be moved from their current node."


def _priority_class(name: str, value: int, description: str) -> Object:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
        "description": description,
    }
