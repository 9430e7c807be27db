"""ServiceCIDRs and the addresses in them: which range holds what."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, name_of, namespace_of, spec_of
from cloudk8s.client.resources import IP_ADDRESSES

FAMILY_LABEL: Final = "ipaddress.kubernetes.io/ip-family"
MANAGED_BY_LABEL: Final = "ipaddress.kubernetes.io/managed-by"
ALLOCATOR: Final = "ipallocator.k8s.io"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def networks_of(service_cidr: Object) -> Iterator[Network]:
    """The ranges of a ServiceCIDR, one a family."""
    for text in spec_of(service_cidr).get("cidrs") or ():
        try:
            yield ipaddress.ip_network(text)
        except ValueError:
            continue


def address_of(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def holders(service_cidrs: Iterable[Object], address: Address) -> list[Object]:
    """The ServiceCIDRs with a range that the address is in."""
    return [item for item in service_cidrs if any(address in network for network in networks_of(item))]


def covering(service_cidrs: Iterable[Object], network: Network) -> list[Object]:
    """The ServiceCIDRs with a range that has all of this one in it."""
    return [item for item in service_cidrs if any(contains(other, network) for other in networks_of(item))]


def contains(outer: Network, inner: Network) -> bool:
    if isinstance(outer, ipaddress.IPv4Network):
        return isinstance(inner, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, ipaddress.IPv6Network) and inner.subnet_of(outer)


def overlap(one: Object, other: Object) -> bool:
    """Whether two ServiceCIDRs have addresses in common."""
    return any(a.version == b.version and a.overlaps(b) for a in networks_of(one) for b in networks_of(other))


def is_allocated(ip_address: Object) -> bool:
    """Whether the API server made it for a Service; others are the business of whoever made them."""
    return labels_of(ip_address).get(MANAGED_BY_LABEL) == ALLOCATOR


def ip_address_for(address: str, service: Object) -> Object:
    """The object that holds an address for a Service."""
    parsed = ipaddress.ip_address(address)
    labels = {FAMILY_LABEL: f"IPv{parsed.version}", MANAGED_BY_LABEL: ALLOCATOR}
    parent = {"group": "", "resource": "services", "namespace": namespace_of(service), "name": name_of(service)}
    return {
        "apiVersion": IP_ADDRESSES.api_version,
        "kind": IP_ADDRESSES.kind,
        "metadata": {"name": address, "labels": labels},
        "spec": {"parentRef": {name: value for name, value in parent.items() if value}},
    }
