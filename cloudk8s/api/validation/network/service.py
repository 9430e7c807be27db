"""Services: ports, affinity, traffic policies, load balancers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, forbidden, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.metadata import validate_labels
from cloudk8s.api.validation.network.service_addresses import (
    check_cluster_addresses,
    check_external_addresses,
    check_source_ranges,
)
from cloudk8s.api.validation.values import (
    Errors,
    check_optional,
    check_port,
    check_port_or_name,
    check_rule,
    check_supported,
)

KUBELET_PORT: Final = 10250
EXPOSED: Final = ("NodePort", "LoadBalancer")
_TYPES: Final = frozenset({"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"})
_PROTOCOLS: Final = frozenset({"SCTP", "TCP", "UDP"})
_POLICIES: Final = frozenset({"Cluster", "Local"})
_DISTRIBUTIONS: Final = ("PreferClose", "PreferSameZone", "PreferSameNode")
_AFFINITY_MAX: Final = 86400
_HINTS: Final = "service.kubernetes.io/topology-aware-hints"
_MODE: Final = "service.kubernetes.io/topology-mode"
_BALANCER_ONLY: Final = "may only be used when `type` is 'LoadBalancer'"


def is_headless(spec: Mapping[str, Any]) -> bool:
    addresses: list[str] = spec.get("clusterIPs") or []
    return addresses == ["None"]


def is_exposed(spec: Mapping[str, Any]) -> bool:
    """Whether clients outside the cluster can get at it."""
    kind = spec.get("type")
    return kind in EXPOSED or (kind == "ClusterIP" and bool(spec.get("externalIPs")))


def needs_health_port(spec: Mapping[str, Any]) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def check_service(errors: Errors, service: Mapping[str, Any], old: Mapping[str, Any] | None) -> None:
    """All but metadata."""
    spec = service["spec"]
    annotations = service["metadata"].get("annotations") or {}
    _check_topology(errors, annotations)
    if not spec.get("ports") and not is_headless(spec) and spec.get("type") != "ExternalName":
        errors.append(required("spec.ports"))
    _check_by_type(errors, spec)
    _check_each_port(errors, spec)
    errors.extend(validate_labels(spec.get("selector") or {}, "spec.selector"))
    _check_affinity(errors, spec)
    check_cluster_addresses(errors, spec)
    check_external_addresses(errors, spec.get("externalIPs") or ())
    check_supported(errors, "spec.type", spec.get("type"), _TYPES)
    _check_node_ports(errors, spec)
    _check_repeated_ports(errors, spec.get("ports") or ())
    check_source_ranges(errors, spec, annotations, old)
    _check_balancer(errors, spec)
    check_balancer_class(errors, spec)
    _check_policies(errors, spec)


def check_balancer_class(errors: Errors, spec: Mapping[str, Any]) -> None:
    if (name := spec.get("loadBalancerClass")) is None:
        return
    if spec.get("type") == "LoadBalancer":
        check_rule(errors, "spec.loadBalancerClass", name, names.qualified_name)
    else:
        errors.append(forbidden("spec.loadBalancerClass", _BALANCER_ONLY))


def _check_topology(errors: Errors, annotations: Mapping[str, str]) -> None:
    mode, hints = annotations.get(_MODE), annotations.get(_HINTS)
    if mode is not None and hints is not None and mode != hints:
        text = f"must match annotations[{_HINTS}] when both are specified"
        errors.append(invalid(f"metadata.annotations[{_MODE}]", mode, text))


def _check_by_type(errors: Errors, spec: Mapping[str, Any]) -> None:
    kind = spec.get("type")
    if kind == "LoadBalancer":
        for index, port in enumerate(spec.get("ports") or ()):
            if port.get("port") == KUBELET_PORT:
                text = f"may not expose port {KUBELET_PORT} externally since it is used by kubelet"
                errors.append(invalid(f"spec.ports[{index}]", KUBELET_PORT, text))
    if kind in EXPOSED and is_headless(spec):
        errors.append(invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services"))
    if kind == "ExternalName":
        for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if spec.get(field):
                errors.append(forbidden(f"spec.{field}", "may not be set for ExternalName services"))
        if name := (spec.get("externalName") or "").removesuffix("."):
            check_rule(errors, "spec.externalName", name, names.dns_subdomain)
        else:
            errors.append(required("spec.externalName"))


def _check_each_port(errors: Errors, spec: Mapping[str, Any]) -> None:
    ports = spec.get("ports") or ()
    taken: set[str] = set()
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        if name := port.get("name"):
            check_rule(errors, f"{path}.name", name, names.dns_label)
            if name in taken:
                errors.append(duplicate(f"{path}.name", name))
            taken.add(name)
        elif len(ports) > 1:
            errors.append(required(f"{path}.name"))
        check_port(errors, f"{path}.port", port.get("port") or 0)
        check_supported(errors, f"{path}.protocol", port.get("protocol"), _PROTOCOLS)
        check_port_or_name(errors, f"{path}.targetPort", port.get("targetPort"))
        if (protocol := port.get("appProtocol")) is not None:
            check_rule(errors, f"{path}.appProtocol", protocol, names.qualified_name)


def _check_affinity(errors: Errors, spec: Mapping[str, Any]) -> None:
    affinity, config = spec.get("sessionAffinity"), spec.get("sessionAffinityConfig")
    check_supported(errors, "spec.sessionAffinity", affinity, frozenset({"ClientIP", "None"}))
    path = "spec.sessionAffinityConfig"
    if affinity == "None" and config is not None:
        errors.append(forbidden(path, "must not be set when session affinity is None"))
    if affinity != "ClientIP":
        return
    client = (config or {}).get("clientIP")
    seconds = (client or {}).get("timeoutSeconds")
    for step, value in (("", config), (".clientIP", client), (".timeoutSeconds", seconds)):
        path += step
        if value is None:
            errors.append(required(path, "when session affinity type is ClientIP"))
            return
    if seconds is not None and not 0 < seconds <= _AFFINITY_MAX:
        errors.append(invalid(path, seconds, f"must be greater than 0 and less than {_AFFINITY_MAX}"))


def _check_node_ports(errors: Errors, spec: Mapping[str, Any]) -> None:
    ports = [(index, port) for index, port in enumerate(spec.get("ports") or ()) if port.get("nodePort")]
    taken: set[tuple[str, int]] = set()
    if spec.get("type") == "ClusterIP":
        for index, _ in ports:
            errors.append(forbidden(f"spec.ports[{index}].nodePort", "may not be used when `type` is 'ClusterIP'"))
    for index, port in ports:
        key = port.get("protocol") or "", port["nodePort"]
        if key in taken:
            errors.append(duplicate(f"spec.ports[{index}].nodePort", port["nodePort"]))
        taken.add(key)


def _check_repeated_ports(errors: Errors, ports: Sequence[Mapping[str, Any]]) -> None:
    taken: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        protocol, number = port.get("protocol") or "", port.get("port") or 0
        if (protocol, number) in taken:
            shown = go_json({"protocol": protocol, "port": number}, "ServicePort")
            errors.append(duplicate(f"spec.ports[{index}]", shown))
        taken.add((protocol, number))


def _check_balancer(errors: Errors, spec: Mapping[str, Any]) -> None:
    allocates, path = spec.get("allocateLoadBalancerNodePorts"), "spec.allocateLoadBalancerNodePorts"
    if spec.get("type") == "LoadBalancer":
        if allocates is None:
            errors.append(required(path))
    elif allocates is not None:
        errors.append(forbidden(path, _BALANCER_ONLY))


def _check_policies(errors: Errors, spec: Mapping[str, Any]) -> None:
    policy, path = spec.get("externalTrafficPolicy"), "spec.externalTrafficPolicy"
    if is_exposed(spec):
        check_supported(errors, path, policy, _POLICIES)
    elif policy:
        errors.append(invalid(path, policy, "may only be set for externally-accessible services"))
    _check_health_port(errors, spec)
    policy = spec.get("internalTrafficPolicy")
    if policy is None:
        if spec.get("type") in ("ClusterIP", *EXPOSED):
            errors.append(required("spec.internalTrafficPolicy"))
    elif policy not in _POLICIES:
        errors.append(not_supported("spec.internalTrafficPolicy", policy, _POLICIES))
    check_optional(errors, "spec.trafficDistribution", spec.get("trafficDistribution"), _DISTRIBUTIONS)


def _check_health_port(errors: Errors, spec: Mapping[str, Any]) -> None:
    port, path = spec.get("healthCheckNodePort") or 0, "spec.healthCheckNodePort"
    if not needs_health_port(spec):
        if port:
            text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            errors.append(invalid(path, port, text))
    elif port:
        check_port(errors, path, port)
    else:
        errors.append(required(path))
