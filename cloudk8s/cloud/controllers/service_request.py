"""A Service becomes a request to a cloud. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, finalizers_of, is_deleting, name_of, namespace_of, spec_of, uid_of
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.cloud.model.load_balancer import (
    HealthCheck,
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    PodTarget,
    ServiceKey,
    ServicePort,
)
from cloudk8s.errors import Unsupported

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
CLOUDS_ANNOTATION = "cloudk8s.io/load-balancer-clouds"
"""On a Service: every cloud that may hold parts of its load balancer; written before the first call."""
UNREAD = ("kubectl.kubernetes.io/", CLOUDS_ANNOTATION)
"""Prefixes of annotations that no provider reads; their changes cost no calls."""


def service_key(service: Object) -> ServiceKey:
    """Who owns the load balancer."""
    return ServiceKey(uid_of(service), namespace_of(service), name_of(service))


def wants_load_balancer(service: Object) -> bool:
    """Whether the type asks for one; whose it is, the class decides."""
    return spec_of(service).get("type") == "LoadBalancer"


def needs_cleanup(service: Object) -> bool:
    """Whether there may be one that must go."""
    return FINALIZER in finalizers_of(service) and (is_deleting(service) or not wants_load_balancer(service))


def make_request(
    service: Object, *, cluster: str, capabilities: LoadBalancerCapabilities, nodes: tuple[NodeRef, ...] = (),
    pods: Iterable[PodTarget] = (),
) -> LoadBalancerRequest:  # fmt: skip
    """The whole desired state. Raises Unsupported for a source range that is none."""
    spec = spec_of(service)
    affinity = spec.get("sessionAffinityConfig") or {}
    seconds = (affinity.get("clientIP") or {}).get("timeoutSeconds") or 10800
    return LoadBalancerRequest(
        service=service_key(service),
        cluster=cluster,
        ports=tuple(_port(port) for port in spec.get("ports") or ()),
        annotations=_annotations(service),
        source_ranges=source_ranges(service),
        traffic_policy=spec.get("externalTrafficPolicy") or "Cluster",
        health_check=health_check(service),
        session_affinity=spec.get("sessionAffinity") or "None",
        session_affinity_seconds=int(seconds),
        load_balancer_ip=spec.get("loadBalancerIP") or "",
        load_balancer_class=spec.get("loadBalancerClass") or "",
        external_ips=tuple(spec.get("externalIPs") or ()),
        ip_families=tuple(spec.get("ipFamilies") or ("IPv4",)),
        allocates_node_ports=spec.get("allocateLoadBalancerNodePorts") is not False,
        nodes=nodes,
        pods=tuple(pods),
        revision=capabilities.revision,
    )


def source_ranges(service: Object) -> tuple[str, ...]:
    """Who may reach the load balancer: the spec wins over the annotation, neither is everyone."""
    field = "spec.loadBalancerSourceRanges"
    ranges = [text.strip() for text in spec_of(service).get("loadBalancerSourceRanges") or () if text.strip()]
    if not ranges:
        field = f"metadata.annotations[{SOURCE_RANGES}]"
        ranges = [text.strip() for text in annotations_of(service).get(SOURCE_RANGES, "").split(",") if text.strip()]
    try:
        normal = {str(ipaddress.ip_network(text, strict=False)) for text in ranges}
    except ValueError as error:
        raise Unsupported(field, f"{field}: {error}") from error
    if normal:
        return tuple(sorted(normal))
    return ("0.0.0.0/0", "::/0") if "IPv6" in (spec_of(service).get("ipFamilies") or ()) else ("0.0.0.0/0",)


def health_check(service: Object) -> HealthCheck:
    """The proxy's own health for Cluster, the endpoint count of each node for Local."""
    spec = spec_of(service)
    if spec.get("externalTrafficPolicy") == "Local" and (port := int(spec.get("healthCheckNodePort") or 0)):
        return HealthCheck("HTTP", port, "/healthz")
    return HealthCheck()


def needs_update(old: Object, new: Object) -> bool:
    """Whether a change of a Service concerns its load balancer: upstream's list of fields."""
    return _relevant(old) != _relevant(new)


def _relevant(service: Object) -> tuple[Any, ...]:
    spec = spec_of(service)
    fields = (
        "loadBalancerSourceRanges", "sessionAffinity", "sessionAffinityConfig", "loadBalancerIP", "externalIPs",
        "externalTrafficPolicy", "healthCheckNodePort", "loadBalancerClass",
    )  # fmt: skip
    return (
        wants_load_balancer(service),
        uid_of(service),
        _annotations(service),
        [_port(port) for port in spec.get("ports") or ()],
        len(spec.get("ipFamilies") or ()),
        *(spec.get(name) or None for name in fields),
    )


def _annotations(service: Object) -> dict[str, str]:
    return {key: value for key, value in sorted(annotations_of(service).items()) if not key.startswith(UNREAD)}


def _port(port: Mapping[str, Any]) -> ServicePort:
    return ServicePort(
        port=int(port["port"]),
        node_port=int(port.get("nodePort") or 0),
        protocol=port.get("protocol") or "TCP",
        name=port.get("name") or "",
        target_port=port.get("targetPort") or 0,
        app_protocol=port.get("appProtocol") or "",
    )
