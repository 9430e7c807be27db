"""What a change of a Service's type takes with it: fields that the new type has no use for and nobody changed."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.resource import Object
from cloudk8s.api.validation.network.service import EXPOSED, is_exposed, needs_health_port

_ADDRESS_FIELDS = ("ipFamilies", "ipFamilyPolicy")
_BALANCER_FIELDS = ("allocateLoadBalancerNodePorts", "loadBalancerClass")


def drop_useless(new: Object, old: Object) -> None:
    spec, before = new["spec"], old["spec"]
    kind, was = spec.get("type"), before.get("type")
    if was != "ExternalName" and kind == "ExternalName":
        if all(spec.get(field) == before.get(field) for field in ("clusterIP", "clusterIPs")):
            _drop(spec, "clusterIP", "clusterIPs")
        _drop_same(spec, before, *_ADDRESS_FIELDS)
    if was in EXPOSED and kind not in EXPOSED and _node_ports(spec) == _node_ports(before):
        for port in spec.get("ports") or ():
            _drop(port, "nodePort")
    if needs_health_port(before) and not needs_health_port(spec):
        _drop_same(spec, before, "healthCheckNodePort")
    if was == "LoadBalancer" and kind != "LoadBalancer":
        _drop_same(spec, before, *_BALANCER_FIELDS)
    if is_exposed(before) and not is_exposed(spec):
        _drop_same(spec, before, "externalTrafficPolicy")
    if kind != "LoadBalancer":
        new["status"] = {**(new.get("status") or {}), "loadBalancer": {}}


def _drop_same(spec: dict[str, Any], before: dict[str, Any], *fields: str) -> None:
    for field in fields:
        if spec.get(field) == before.get(field):
            spec.pop(field, None)


def _drop(target: dict[str, Any], *fields: str) -> None:
    for field in fields:
        target.pop(field, None)


def _node_ports(spec: dict[str, Any]) -> set[int]:
    return {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}
