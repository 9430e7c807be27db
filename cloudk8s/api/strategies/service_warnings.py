"""Warnings about Services."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.address_warnings import address_warnings, cidr_warnings
from cloudk8s.api.validation.network.service import is_headless

_HINTS = "service.kubernetes.io/topology-aware-hints"
_MODE = "service.kubernetes.io/topology-mode"


def service_warnings(service: Object) -> list[str]:
    spec = service["spec"]
    warnings = []
    if _HINTS in (service["metadata"].get("annotations") or {}):
        warnings.append(f"annotation {_HINTS} is deprecated, please use {_MODE} instead")
    warnings += _addresses(spec)
    warnings += _ignored(spec)
    if spec.get("externalIPs"):
        warnings.append("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
    if spec.get("trafficDistribution") == "PreferClose":
        warnings.append('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
    return warnings


def _addresses(spec: dict[str, Any]) -> list[str]:
    warnings = []
    if spec.get("type") != "ExternalName" and not is_headless(spec):
        for index, ip in enumerate(spec.get("clusterIPs") or ()):
            warnings += address_warnings(f"spec.clusterIPs[{index}]", ip)
    for index, ip in enumerate(spec.get("externalIPs") or ()):
        warnings += address_warnings(f"spec.externalIPs[{index}]", ip)
    if ip := spec.get("loadBalancerIP"):
        warnings += address_warnings("spec.loadBalancerIP", ip)
    for index, cidr in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        warnings += cidr_warnings(f"spec.loadBalancerSourceRanges[{index}]", cidr)
    return warnings


def _ignored(spec: dict[str, Any]) -> list[str]:
    warnings = []
    if spec.get("type") == "ExternalName" and spec.get("externalIPs"):
        warnings.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if spec.get("type") != "ExternalName" and is_headless(spec):
        for field in ("externalIPs", "loadBalancerIP"):
            if spec.get(field):
                warnings.append(f'spec.{field} is ignored when spec.clusterIP is "None"')
        if spec.get("sessionAffinity", "None") != "None":
            warnings.append("spec.SessionAffinity is ignored for headless services")
    return warnings
