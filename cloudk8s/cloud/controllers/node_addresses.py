"""Which addresses a node shall show. Pure.

https://github.com/kubernetes/cloud-provider/blob/master/node/helpers/address.go
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of
from cloudk8s.cloud.controllers.node_reference import PROVIDED_NODE_IP, addresses_of
from cloudk8s.cloud.model.instance import NodeAddress
from cloudk8s.errors import CloudError


class AddressMismatch(CloudError):
    """The kubelet was told an address that the cloud does not know for this instance."""


def wanted_addresses(node: Object, cloud: Sequence[NodeAddress]) -> tuple[NodeAddress, ...]:
    """The addresses for `status.addresses`, in order; an empty answer of the cloud changes nothing.

    Raises AddressMismatch when the kubelet's `--node-ip` is none of the cloud's addresses.
    """
    present = addresses_of(node)
    if not cloud:
        return present
    addresses = list(dict.fromkeys(cloud))
    if not any(entry.type == "Hostname" for entry in addresses):
        addresses += [entry for entry in present if entry.type == "Hostname"]
    return _prefer(annotations_of(node).get(PROVIDED_NODE_IP, ""), addresses)


def _prefer(provided: str, addresses: Sequence[NodeAddress]) -> tuple[NodeAddress, ...]:
    """Given addresses go first, each with the only addresses of its type; other types follow in the cloud's order."""
    given = [text.strip() for text in provided.split(",") if text.strip()]
    if not given:
        return tuple(addresses)
    first: list[NodeAddress] = []
    for text in given:
        matches = [entry for entry in addresses if _same(entry.address, text)]
        if not matches:
            raise AddressMismatch(f"the node's address {text} is none of the cloud's for this instance")
        first += [entry for entry in matches if entry not in first]
    owned = {entry.type for entry in first}
    return (*first, *(entry for entry in addresses if entry.type not in owned))


def _same(address: str, given: str) -> bool:
    try:
        return ipaddress.ip_address(address) == ipaddress.ip_address(given)
    except ValueError:
        return address == given
