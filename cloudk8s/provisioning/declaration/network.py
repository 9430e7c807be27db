"""The network of a declared cluster."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from cloudk8s.provisioning.declaration.model import Declared


def _range(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a range of addresses like 10.0.0.0/16: {error}") from None


Range = Annotated[str, AfterValidator(_range)]


class Api(Declared):
    """How the Kubernetes API is reached."""

    scheme: Literal["internet-facing", "internal"] = "internet-facing"
    """`internal` answers inside the network only."""
    port: int = Field(default=6443, ge=1, le=65535)
    """Port of the API, on the load balancer and on the control plane."""
    source_ranges: tuple[Range, ...] = ("0.0.0.0/0",)
    """Who may reach the API."""
    dns_zone: str = ""
    """Give the API a name in this zone of the cloud's DNS: a domain such as `example.com`, or the zone's id.
    Certificates and kubeconfigs then have the name, so it can't be changed later."""
    dns_name: str = ""
    """The name, whole or within the zone; empty is `api.<cluster>`."""

    @model_validator(mode="after")
    def _a_name_needs_a_zone(self) -> Api:
        if self.dns_name and not self.dns_zone:
            raise ValueError("dnsName needs dnsZone, the zone that the name is in")
        return self


class Existing(Declared):
    """A network that is there already. Nothing of it is ever changed or deleted, but for tags that say who uses it."""

    id: str
    """Its id: a VPC."""
    subnets: tuple[str, ...] = ()
    """Ids of the subnets to use; empty is all that can be used."""
    subnet_tags: dict[str, str] = Field(default_factory=dict)
    """Tags of the subnets to use, where they are not named by id."""
    machine_subnets: dict[str, str] = Field(default_factory=dict)
    """Subnet for machines by zone; filled in when the cluster is made."""
    load_balancer_subnets: dict[str, str] = Field(default_factory=dict)
    """Subnet for the API's load balancer by zone; filled in when the cluster is made."""
    cidrs: tuple[Range, ...] = ()
    """All of its addresses; filled in when the cluster is made."""
    public_addresses: bool = False
    """Whether machines need public addresses; filled in when the cluster is made."""
    route_tables: tuple[str, ...] = ()
    """Tables of the machines' subnets; filled in when the cluster is made."""


class NetworkDeclaration(Declared):
    """Where machines live, and what may reach them."""

    cidr: Range = "10.0.0.0/16"
    """Addresses of the network."""
    existing: Existing | None = None
    """Use a network that is there already, in place of one of the cluster's own; it has its own `cidr` and ways out."""
    zones: tuple[str, ...] = ()
    """Zones to use; empty lets the provider choose."""
    zone_count: int = Field(default=0, ge=0, le=16)
    """How many zones to use where `zones` is empty; 0 is one for each machine of the control plane."""
    pod_cidrs: tuple[Range, ...] = ("10.244.0.0/16",)
    """Addresses of pods."""
    service_cidrs: tuple[Range, ...] = ("10.96.0.0/16",)
    """Addresses of Services."""
    nat: Literal["none", "single", "per-zone"] = "single"
    """How machines reach the internet: with public addresses of their own, or from private subnets through one NAT
    gateway, or one in each zone (which costs more than small nodes do)."""
    api: Api = Api()
    """How the Kubernetes API is reached."""
    ssh_source_ranges: tuple[Range, ...] = ()
    """Who may reach port 22 of the machines; nobody by default."""
    node_port_source_ranges: tuple[Range, ...] = ()
    """Who may reach node ports from outside; empty is the network itself only."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Settings that only the provider knows, such as an existing network to use."""

    @model_validator(mode="after")
    def _ranges_are_apart(self) -> NetworkDeclaration:
        named = [("cidr", self.cidr)]
        named += [("podCidrs", entry) for entry in self.pod_cidrs]
        named += [("serviceCidrs", entry) for entry in self.service_cidrs]
        for index, (name, entry) in enumerate(named):
            for other_name, other in named[index + 1 :]:
                one, two = ip_network(entry), ip_network(other)
                if one.version == two.version and one.overlaps(two):
                    raise ValueError(f"{name} {entry} and {other_name} {other} overlap")
        return self
