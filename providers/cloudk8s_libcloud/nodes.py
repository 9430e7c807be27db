"""Libcloud's nodes in the core's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.plugin import InstanceState, NodeAddress
from cloudk8s_libcloud.traits import DriverTraits

SCHEME = "libcloud"
SHUT_DOWN = ("stopped", "suspended", "paused")
TERMINATED = "terminated"


def provider_id(cloud: str, id: object) -> str:
    """`libcloud://<cloud>/<id>`: the cloud's configured name tells two accounts of one driver apart."""
    return f"{SCHEME}://{cloud}/{id}"


def id_of(text: str, cloud: str) -> str:
    """The node's id in a providerID; empty where it is another cloud's."""
    prefix = f"{SCHEME}://{cloud}/"
    return text.removeprefix(prefix) if text.startswith(prefix) else ""


def lasting_id(node: Any, traits: DriverTraits) -> str:
    """The id that a node keeps for life."""
    return extra_of(node, traits.id_in_extra) or str(node.id)


def state_of(node: Any, traits: DriverTraits) -> InstanceState:
    """What a driver's state means. What is not known is doubt, and doubt deletes nothing."""
    state = str(getattr(node.state, "value", node.state)).lower()
    if state == TERMINATED:
        return traits.terminated
    if state in SHUT_DOWN:
        return "shutdown"
    return "unknown" if state == "unknown" else "present"


def addresses_of(node: Any) -> tuple[NodeAddress, ...]:
    """Private addresses, public ones, and the name."""
    private = [NodeAddress("InternalIP", str(address)) for address in node.private_ips or () if address]
    public = [NodeAddress("ExternalIP", str(address)) for address in node.public_ips or () if address]
    internal = private or [NodeAddress("InternalIP", entry.address) for entry in public[:1]]
    hostname = [NodeAddress("Hostname", str(node.name))] if node.name else []
    return tuple(dict.fromkeys([*internal, *public, *hostname]))


def tags_of(node: Any, traits: DriverTraits) -> Mapping[str, str]:
    """The node's tags, where the driver tells them."""
    tags = (node.extra or {}).get(traits.tags_in_extra) if traits.tags_in_extra else None
    return tags if isinstance(tags, dict) else {}


def extra_of(node: Any, key: str) -> str:
    """An entry of `extra` as text."""
    return str((node.extra or {}).get(key) or "") if key else ""


def type_of(node: Any, traits: DriverTraits) -> str:
    size = getattr(node, "size", None)
    return str(size.id) if size is not None else extra_of(node, traits.type_in_extra)
