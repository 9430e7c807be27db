"""IP addresses and ranges, as upstream reads them."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from cloudk8s.api.field_errors import invalid
from cloudk8s.api.validation.values import Errors

IP_TEXT = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
CIDR_TEXT = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_match_v4 = re.compile(r"[0-9]{1,}(?:\.[0-9]{1,}){3}", re.ASCII).fullmatch


@lru_cache(maxsize=4096)
def parse_ip(text: str) -> Address | None:
    """An address, or None; leading zeros in IPv4 parts are read as decimal, as upstream has always done."""
    if _match_v4(text):
        parts = [int(part) for part in text.split(".")]
        return ipaddress.IPv4Address(".".join(map(str, parts))) if max(parts) <= 255 else None
    if ":" not in text or "%" in text:
        return None
    try:
        return ipaddress.IPv6Address(text)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def parse_cidr(text: str) -> Network | None:
    """The network that a range lies in, or None; host bits are ignored."""
    address, slash, bits = text.partition("/")
    ip = parse_ip(address)
    if ip is None or not slash or not bits.isascii() or not bits.isdigit() or int(bits) > ip.max_prefixlen:
        return None
    return ipaddress.ip_network((ip, int(bits)), strict=False)


def is_ipv6(text: str) -> bool:
    ip = parse_ip(text)
    return ip is not None and ip.version == 6 and not (isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped)


def check_ip(errors: Errors, path: str, value: str) -> None:
    """The rule of fields that are older than the strict one."""
    if parse_ip(value) is None:
        errors.append(invalid(path, value, IP_TEXT))


def strict_ip(value: str, *, canonical: bool = False) -> list[str]:
    """The rule of newer fields: no leading zeros, no IPv4 in IPv6 form; or even the one canonical form only."""
    ip = parse_ip(value)
    if ip is None:
        return [IP_TEXT]
    if ip.version == 4:
        return [] if str(ip) == value else ["must not have leading 0s"]
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        return ["must not be an IPv4-mapped IPv6 address"]
    if canonical and str(ip) != value:
        return [f'must be in canonical form ("{ip}")']
    return []


def check_cidr(errors: Errors, path: str, value: str) -> None:
    if parse_cidr(value) is None:
        errors.append(invalid(path, value, CIDR_TEXT))


def check_strict_cidr(errors: Errors, path: str, value: str) -> None:
    """The rule of newer fields: no leading zeros, no host bits."""
    network = parse_cidr(value)
    if network is None:
        errors.append(invalid(path, value, CIDR_TEXT))
        return
    address, _, bits = value.partition("/")
    ip = parse_ip(address)
    if network.version == 4 and (str(ip) != address or str(int(bits)) != bits):
        errors.append(invalid(path, value, "must not have leading 0s in IP or prefix length"))
    elif isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        errors.append(invalid(path, value, "must not have an IPv4-mapped IPv6 address"))
    elif ip is not None and ip != network.network_address:
        text = f'must not have bits set beyond the prefix length (perhaps "{network}" or "{ip}/{ip.max_prefixlen}")'
        errors.append(invalid(path, value, text))


def check_not_special(errors: Errors, path: str, value: str) -> None:
    """Addresses that make no sense as an endpoint or external address."""
    ip = parse_ip(value)
    if ip is None:
        errors.append(invalid(path, value, "must be a valid IP address"))
        return
    if ip.is_unspecified:
        errors.append(invalid(path, value, f"may not be unspecified ({value})"))
    if ip.is_loopback:
        errors.append(invalid(path, value, "may not be in the loopback range (127.0.0.0/8, ::1/128)"))
    if ip.is_link_local:
        errors.append(invalid(path, value, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"))
    if any(ip in network for network in _LINK_LOCAL_MULTICAST if network.version == ip.version):
        text = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        errors.append(invalid(path, value, text))


_LINK_LOCAL_MULTICAST = (ipaddress.ip_network("224.0.0.0/24"), ipaddress.ip_network("ff02::/16"))
