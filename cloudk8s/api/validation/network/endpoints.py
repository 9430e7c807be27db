"""Endpoints and EndpointSlices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, invalid, not_supported, required, too_many
from cloudk8s.api.validation import names
from cloudk8s.api.validation.addresses import check_ip, check_not_special, parse_ip
from cloudk8s.api.validation.metadata import validate_labels
from cloudk8s.api.validation.values import Errors, check_port, check_rule, check_supported

_PROTOCOLS: Final = frozenset({"SCTP", "TCP", "UDP"})
_ADDRESS_TYPES: Final = frozenset({"FQDN", "IPv4", "IPv6"})
_ADDRESSES_MAX: Final = 100
_ENDPOINTS_MAX: Final = 1000
_HINTS_MAX: Final = 8
_PORTS_MAX: Final = 20000
_TOPOLOGY_MAX: Final = 16


def check_subsets(errors: Errors, subsets: Sequence[Mapping[str, Any]]) -> None:
    for index, subset in enumerate(subsets):
        path = f"subsets[{index}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            errors.append(required(path, "must specify `addresses` or `notReadyAddresses`"))
        for field in ("addresses", "notReadyAddresses"):
            for position, address in enumerate(subset.get(field) or ()):
                _check_address(errors, f"{path}.{field}[{position}]", address)
        ports = subset.get("ports") or ()
        for position, port in enumerate(ports):
            _check_port(errors, f"{path}.ports[{position}]", port, needs_name=len(ports) > 1)


def check_endpoint_slice(errors: Errors, slice_: Mapping[str, Any]) -> None:
    """All but metadata."""
    kind = slice_.get("addressType")
    check_supported(errors, "addressType", kind, _ADDRESS_TYPES)
    endpoints = slice_.get("endpoints") or ()
    if len(endpoints) > _ENDPOINTS_MAX:
        errors.append(too_many("endpoints", len(endpoints), _ENDPOINTS_MAX))
    else:
        for index, endpoint in enumerate(endpoints):
            _check_endpoint(errors, f"endpoints[{index}]", endpoint, kind or "")
    _check_slice_ports(errors, slice_.get("ports") or ())


def _check_address(errors: Errors, path: str, address: Mapping[str, Any]) -> None:
    ip = address.get("ip") or ""
    check_ip(errors, f"{path}.ip", ip)
    if host := address.get("hostname"):
        check_rule(errors, f"{path}.hostname", host, names.dns_label)
    if (node := address.get("nodeName")) is not None:
        check_rule(errors, f"{path}.nodeName", node, names.dns_subdomain)
    check_not_special(errors, f"{path}.ip", ip)


def _check_port(errors: Errors, path: str, port: Mapping[str, Any], *, needs_name: bool) -> None:
    if name := port.get("name"):
        check_rule(errors, f"{path}.name", name, names.dns_label)
    elif needs_name:
        errors.append(required(f"{path}.name"))
    check_port(errors, f"{path}.port", port.get("port") or 0)
    _check_protocols(errors, path, port)


def _check_protocols(errors: Errors, path: str, port: Mapping[str, Any]) -> None:
    check_supported(errors, f"{path}.protocol", port.get("protocol"), _PROTOCOLS)
    if (protocol := port.get("appProtocol")) is not None:
        check_rule(errors, f"{path}.appProtocol", protocol, names.qualified_name)


def _check_endpoint(errors: Errors, path: str, endpoint: Mapping[str, Any], kind: str) -> None:
    addresses = endpoint.get("addresses") or ()
    if not addresses:
        errors.append(required(f"{path}.addresses", "must contain at least 1 address"))
    elif len(addresses) > _ADDRESSES_MAX:
        errors.append(too_many(f"{path}.addresses", len(addresses), _ADDRESSES_MAX))
    for index, address in enumerate(addresses):
        _check_typed_address(errors, f"{path}.addresses[{index}]", address, kind)
    if (node := endpoint.get("nodeName")) is not None:
        check_rule(errors, f"{path}.nodeName", node, names.dns_subdomain)
    topology = endpoint.get("deprecatedTopology") or {}
    if len(topology) > _TOPOLOGY_MAX:
        errors.append(too_many(f"{path}.deprecatedTopology", len(topology), _TOPOLOGY_MAX))
    errors.extend(validate_labels(topology, f"{path}.deprecatedTopology"))
    if (host := endpoint.get("hostname")) is not None:
        check_rule(errors, f"{path}.hostname", host, names.dns_label)
    if (hints := endpoint.get("hints")) is not None:
        _check_hints(errors, f"{path}.hints.forZones", hints.get("forZones") or (), zones=True)
        _check_hints(errors, f"{path}.hints.forNodes", hints.get("forNodes") or (), zones=False)


def _check_typed_address(errors: Errors, path: str, address: str, kind: str) -> None:
    if kind == "FQDN":
        _check_host(errors, path, address)
    elif kind in ("IPv4", "IPv6"):
        ip = parse_ip(address)
        if ip is None or ip.version != int(kind[-1]):
            errors.append(invalid(path, address, f"must be a valid {kind} address"))
        check_not_special(errors, path, address)


def _check_host(errors: Errors, path: str, name: str) -> None:
    if not name:
        errors.append(required(path))
        return
    name = name.removesuffix(".")
    if messages := names.dns_subdomain(name):
        errors.append(invalid(path, name, ",".join(messages)))
    elif "." not in name:
        errors.append(invalid(path, name, "should be a domain with at least two segments separated by dots"))
    else:
        for label in name.split("."):
            if messages := names.dns_label(label):
                errors.append(invalid(path, label, ",".join(messages)))


def _check_hints(errors: Errors, path: str, hints: Sequence[Mapping[str, Any]], *, zones: bool) -> None:
    if len(hints) > _HINTS_MAX:
        errors.append(too_many(path, len(hints), _HINTS_MAX))
        return
    taken: set[str] = set()
    for index, hint in enumerate(hints):
        name = hint.get("name") or ""
        if name in taken:
            errors.append(duplicate(f"{path}[{index}].name", name))
        taken.add(name)
        check_rule(errors, f"{path}[{index}].name", name, names.label_value if zones else names.dns_subdomain)


def _check_slice_ports(errors: Errors, ports: Sequence[Mapping[str, Any]]) -> None:
    if len(ports) > _PORTS_MAX:
        errors.append(too_many("ports", len(ports), _PORTS_MAX))
        return
    taken: set[str] = set()
    for index, port in enumerate(ports):
        path, name = f"ports[{index}]", port.get("name") or ""
        if name:
            check_rule(errors, f"{path}.name", name, names.dns_label)
        if name in taken:
            errors.append(duplicate(f"{path}.name", name))
        taken.add(name)
        protocol = port.get("protocol")
        if protocol is None:
            errors.append(required(f"{path}.protocol"))
        elif protocol not in _PROTOCOLS:
            errors.append(not_supported(f"{path}.protocol", protocol, _PROTOCOLS))
        if (application := port.get("appProtocol")) is not None:
            check_rule(errors, f"{path}.appProtocol", application, names.qualified_name)
