"""The string formats that upstream checks; a format that is not here is a remark only."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from cloudk8s.machinery import times

_UUID: Final = r"[0-9a-f]{8}-?[0-9a-f]{4}-?%s[0-9a-f]{3}-?%s[0-9a-f]{3}-?[0-9a-f]{12}"
_HOSTNAME: Final = (
    r"(?=.{1,253}$)(?:[a-zA-Z0-9_\u00a1-\uffff](?:[a-zA-Z0-9_\u00a1-\uffff-]{0,61}[a-zA-Z0-9_\u00a1-\uffff])?\.?)+"
)
_EMAIL: Final = r"[^@\s<>]+@[^@\s<>]+"
_MAC: Final = r"(?:[0-9a-fA-F]{2}[:-]){5,19}[0-9a-fA-F]{2}|(?:[0-9a-fA-F]{4}\.){2,9}[0-9a-fA-F]{4}"
_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?", re.ASCII)
_DURATION: Final = (
    r"(?:\s*[-+]?\d+(?:\.\d+)?\s*"
    r"(?:ns|nano|nanosecond|us|µs|micro|microsecond|ms|milli|millisecond|s|sec|second|m|min|minute|h|hr|hour|d|day|w|wk|"
    r"week)s?\s*)+"
)


def matches_format(text: str, format: str) -> bool:
    """Whether the text is of the format; unknown formats fit everything."""
    check = _CHECKS.get(format.replace("-", ""))
    return check is None or check(text)


def _pattern(pattern: str, flags: int = re.ASCII) -> Callable[[str], bool]:
    """Compiled when first asked for (`re` keeps it), since few of these are ever used."""
    return lambda text: re.fullmatch(pattern, text, flags) is not None


def _date_time(text: str) -> bool:
    try:
        times.parse_time(text.replace("t", "T").replace("z", "Z"))
    except times.TimeError:
        return False
    return True


def _date(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) and date.fromisoformat(text))
    except ValueError:
        return False


def _duration(text: str) -> bool:
    try:
        times.parse_duration(text)
    except times.TimeError:
        return re.fullmatch(_DURATION, text, re.ASCII | re.IGNORECASE) is not None
    return True


def _byte(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) or text.startswith("/")


def _address(*families: type) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return isinstance(ipaddress.ip_address(text), families)
        except ValueError:
            return False

    return check


def _cidr(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "/" in text


def _short_name(text: str) -> bool:
    return len(text) <= 63 and _LABEL.fullmatch(text) is not None


def _long_name(text: str) -> bool:
    return len(text) <= 253 and all(_LABEL.fullmatch(part) for part in text.split("."))


def _uuid(version: str = "[0-9a-f]", variant: str = "[0-9a-f]") -> Callable[[str], bool]:
    return _pattern(_UUID % (version, variant), re.ASCII | re.IGNORECASE)


_CHECKS: Final[Mapping[str, Callable[[str], bool]]] = {
    "bsonobjectid": _pattern("[0-9a-fA-F]{24}"),
    "byte": _byte,
    "cidr": _cidr,
    "creditcard": _pattern(r"(?:\d[ -]?){12,18}\d"),
    "date": _date,
    "datetime": _date_time,
    "duration": _duration,
    "email": _pattern(_EMAIL, 0),
    "hexcolor": _pattern("#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "hostname": _pattern(_HOSTNAME, 0),
    "ipv4": _address(ipaddress.IPv4Address),
    "ipv6": _address(ipaddress.IPv6Address),
    "isbn": _pattern("(?:[0-9]-?){9}[0-9X]|(?:[0-9]-?){13}"),
    "isbn10": _pattern("(?:[0-9]-?){9}[0-9X]"),
    "isbn13": _pattern("(?:[0-9]-?){13}"),
    "k8slongname": _long_name,
    "k8sshortname": _short_name,
    "mac": _pattern(_MAC, 0),
    "rgbcolor": _pattern(r"rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)"),
    "ssn": _pattern(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "uri": _uri,
    "uuid": _uuid(),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4", "[89ab]"),
    "uuid5": _uuid("5", "[89ab]"),
}
