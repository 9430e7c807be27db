"""Where a load balancer listens, as the status of Services and Ingresses says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.addresses import check_ip, parse_ip
from cloudk8s.api.validation.values import Errors, check_rule

_MODES: Final = frozenset({"Proxy", "VIP"})


def check_service_balancer(errors: Errors, status: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    path, points = "status.loadBalancer.ingress", (status.get("loadBalancer") or {}).get("ingress") or ()
    if spec.get("type") != "LoadBalancer" and points:
        errors.append(forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'"))
        return
    for index, point in enumerate(points):
        at = f"{path}[{index}]"
        _check_address(errors, at, point)
        _check_mode(errors, f"{at}.ipMode", point)
        _check_host(errors, at, point)


def check_ingress_balancer(errors: Errors, status: Mapping[str, Any]) -> None:
    for index, point in enumerate((status.get("loadBalancer") or {}).get("ingress") or ()):
        at = f"status.loadBalancer.ingress[{index}]"
        _check_address(errors, at, point)
        _check_host(errors, at, point)


def _check_address(errors: Errors, path: str, point: Mapping[str, Any]) -> None:
    if ip := point.get("ip"):
        check_ip(errors, f"{path}.ip", ip)


def _check_mode(errors: Errors, path: str, point: Mapping[str, Any]) -> None:
    mode, ip = point.get("ipMode"), point.get("ip")
    if mode is None:
        if ip:
            errors.append(required(path, "must be specified when `ip` is set"))
    elif not ip:
        errors.append(forbidden(path, "may not be specified when `ip` is not set"))
    elif mode not in _MODES:
        errors.append(not_supported(path, mode, _MODES))


def _check_host(errors: Errors, path: str, point: Mapping[str, Any]) -> None:
    if host := point.get("hostname"):
        check_rule(errors, f"{path}.hostname", host, names.dns_subdomain)
        if parse_ip(host) is not None:
            errors.append(invalid(f"{path}.hostname", host, "must be a DNS name, not an IP address"))
