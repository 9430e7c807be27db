"""Nodes as a cloud is asked about them, and instances as it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

AddressType = Literal["Hostname", "InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS"]

InstanceState = Literal["present", "shutdown", "gone", "unknown"]
"""`gone` deletes the Node: say it only on a positive answer. `unknown` is any doubt, with a reason."""

MatchRule = Literal["", "provider-id", "instance-id", "name", "address", "tag"]
"""How a node was matched to an instance, best first."""


@dataclass(frozen=True, slots=True, order=True)
class NodeAddress:
    """One entry of `Node.status.addresses`."""

    type: AddressType
    address: str


@dataclass(frozen=True, slots=True)
class NodeRef:
    """A node as far as a cloud needs to know it."""

    name: str
    uid: str = ""
    provider_id: str = ""
    """`spec.providerID`; empty until the node is initialised, so fall back to the name or an address."""
    addresses: tuple[NodeAddress, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    def addresses_of(self, *types: AddressType) -> tuple[str, ...]:
        """The addresses of some types, in the node's order."""
        return tuple(entry.address for entry in self.addresses if entry.type in types)


@dataclass(frozen=True, slots=True)
class Instance:
    """What runs a node. Empty fields are not known and change nothing on the node."""

    state: InstanceState = "present"
    provider_id: str = ""
    """Stable, `<provider>://<opaque>`."""
    type: str = ""
    zone: str = ""
    region: str = ""
    addresses: tuple[NodeAddress, ...] = ()
    """In the order the node shall show them."""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Additional node labels; keys of kubernetes.io and k8s.io are dropped by the core."""
    matched_by: MatchRule = ""
    reason: str = ""
    """Why the state is `unknown`."""


@dataclass(frozen=True, slots=True)
class InstanceCapabilities:
    """What an `Instances` can do."""

    batch: int = 0
    """How many nodes one call may ask for; 0 is any number."""
