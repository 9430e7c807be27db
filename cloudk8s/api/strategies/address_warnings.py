"""Warnings about addresses and ranges that are read only for compatibility, or that are not in their usual form."""

from __future__ import annotations

import ipaddress

from cloudk8s.api.validation.addresses import parse_cidr, parse_ip

_FUTURE = "will be considered invalid in a future Kubernetes release"


def address_warnings(path: str, value: str) -> list[str]:
    ip = parse_ip(value)
    if ip is None or str(ip) == value:
        return []
    if better := _as_v4(ip):
        return [f'{path}: non-standard IP address "{value}" {_FUTURE}: use "{better}"']
    return [f'{path}: IPv6 address "{value}" should be in RFC 5952 canonical format ("{ip}")']


def cidr_warnings(path: str, value: str) -> list[str]:
    network = parse_cidr(value)
    if network is None or str(network) == value:
        return []
    address, _, bits = value.partition("/")
    ip = parse_ip(address)
    assert ip is not None
    warnings = []
    if ip != network.network_address:
        single = f"{ip}/{ip.max_prefixlen}"
        warnings.append(
            f'{path}: CIDR value "{value}" is ambiguous in this context (should be "{network}" or "{single}"?)'
        )
    if (ip.version == 4 and (str(ip) != address or str(int(bits)) != bits)) or (ip.version == 6 and _as_v4(ip)):
        warnings.append(f'{path}: non-standard CIDR value "{value}" {_FUTURE}: use "{network}"')
    elif ip.version == 6 and str(ip) != address:
        canonical = f"{ip}/{int(bits)}"
        warnings.append(f'{path}: IPv6 CIDR value "{value}" should be in RFC 5952 canonical format ("{canonical}")')
    return warnings


def _as_v4(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ip if isinstance(ip, ipaddress.IPv4Address) else ip.ipv4_mapped
