"""What the endpoints of a Service are: pure functions of the Service, its pods and their nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, labels_of, spec_of
from cloudk8s.controllers.pods import is_ready
from cloudk8s.controllers.service_pods import (
    Family,
    addresses_of,
    belongs,
    hostname_of,
    publishes_not_ready,
    target_of,
    target_port,
)

ZONE_LABEL = "topology.kubernetes.io/zone"
Endpoint = dict[str, Any]
Ports = tuple[tuple[str, int, str, str], ...]
"""Name, number, protocol and application protocol of each port: endpoints with equal ones share slices."""


def endpoints_by_ports(
    service: Object, pods: Iterable[Object], family: Family, zone_of: Callable[[str], str]
) -> Mapping[Ports, list[Endpoint]]:
    """All endpoints of one family, grouped by what their pods resolve the Service's ports to."""
    groups: dict[Ports, list[Endpoint]] = {}
    for pod in pods:
        if not belongs(pod, include_terminating=True):
            continue
        if addresses := addresses_of(pod, family):
            endpoint = _endpoint(service, pod, addresses, zone_of)
            groups.setdefault(_ports(service, pod), []).append(endpoint)
    return groups


def port_list(ports: Ports) -> list[dict[str, Any]] | None:
    """The `ports` field of a slice."""
    listed = []
    for name, number, protocol, application in ports:
        port: dict[str, Any] = {"name": name, "port": number, "protocol": protocol}
        if application:
            port["appProtocol"] = application
        listed.append(port)
    return listed or None


def ports_of(slice: Object) -> Ports:
    """The same, back from a slice."""
    return tuple(
        sorted(
            (p.get("name") or "", int(p.get("port") or 0), p.get("protocol") or "TCP", p.get("appProtocol") or "")
            for p in slice.get("ports") or ()
        )
    )


def is_usable(endpoint: Mapping[str, Any]) -> bool:
    """Whether new connections may go there."""
    return (endpoint.get("conditions") or {}).get("ready", True) is not False


def _endpoint(service: Object, pod: Object, addresses: list[str], zone_of: Callable[[str], str]) -> Endpoint:
    serving, terminating = is_ready(pod), is_deleting(pod)
    ready = publishes_not_ready(service) or (serving and not terminating)
    endpoint: Endpoint = {
        "addresses": addresses,
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
    }
    if hostname := hostname_of(pod, service):
        endpoint["hostname"] = hostname
    endpoint["targetRef"] = target_of(pod)
    node = spec_of(pod).get("nodeName")
    if node:
        endpoint["nodeName"] = node
        if zone := zone_of(node):
            endpoint["zone"] = zone
    return endpoint


def _ports(service: Object, pod: Object) -> Ports:
    found = []
    for port in spec_of(service).get("ports") or ():
        number = target_port(pod, port)
        if number is not None:
            protocol, application = port.get("protocol") or "TCP", port.get("appProtocol") or ""
            found.append((port.get("name") or "", number, protocol, application))
    return tuple(sorted(found))


def zone_label(node: Object | None) -> str:
    return labels_of(node).get(ZONE_LABEL, "") if node else ""
