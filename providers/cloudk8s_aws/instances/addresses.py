"""The addresses that a node shows, from what EC2 says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.plugin import NodeAddress


def node_addresses(instance: Mapping[str, Any], families: Sequence[str]) -> tuple[NodeAddress, ...]:
    """By family in the order wanted; network cards in use, by device index."""
    addresses: list[NodeAddress] = []
    for family in families:
        addresses += _ipv4(instance) if family == "ipv4" else _ipv6(instance)
    return tuple(dict.fromkeys(addresses))


def _ipv4(instance: Mapping[str, Any]) -> list[NodeAddress]:
    private = [
        NodeAddress("InternalIP", str(entry["PrivateIpAddress"]))
        for card in _cards(instance)
        for entry in card.get("PrivateIpAddresses") or ()
    ]
    if not private and instance.get("PrivateIpAddress"):
        private = [NodeAddress("InternalIP", instance["PrivateIpAddress"])]
    public = [NodeAddress("ExternalIP", instance["PublicIpAddress"])] if instance.get("PublicIpAddress") else []
    names: list[NodeAddress] = []
    if name := instance.get("PrivateDnsName"):
        names += [NodeAddress("InternalDNS", name), NodeAddress("Hostname", name)]
    if name := instance.get("PublicDnsName"):
        names.append(NodeAddress("ExternalDNS", name))
    return private + public + names


def _ipv6(instance: Mapping[str, Any]) -> list[NodeAddress]:
    first = ((card.get("Ipv6Addresses") or [None])[0] for card in _cards(instance))
    return [NodeAddress("InternalIP", str(entry["Ipv6Address"])) for entry in first if entry]


def _cards(instance: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    used = [card for card in instance.get("NetworkInterfaces") or () if card.get("Status") == "in-use"]
    return sorted(used, key=lambda card: int((card.get("Attachment") or {}).get("DeviceIndex", 0)))
