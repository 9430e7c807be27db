"""The ranges that the cluster takes addresses of Services from. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from cloudk8s.client.interface import Object


def service_ranges(objects: Iterable[Object]) -> tuple[str, ...]:
    """What these ServiceCIDRs span together, IPv4 first, no range within another.

    One that is being deleted counts until it is gone.
    """
    found = {ip_network(text, strict=False) for item in objects for text in item["spec"].get("cidrs") or ()}
    fourth = collapse_addresses(item for item in found if isinstance(item, IPv4Network))
    sixth = collapse_addresses(item for item in found if isinstance(item, IPv6Network))
    return (*map(str, fourth), *map(str, sixth))
