"""A cluster's network: what provisioning asks for and what the cloud made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class NetworkSearch:
    """A network that is there already, as a cluster file names it."""

    id: str
    subnets: tuple[str, ...] = ()
    subnet_tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    zones: tuple[str, ...] = ()
    """Zones to use; empty is the first `zone_count` that have what is needed."""
    zone_count: int = 1
    api_scheme: str = "internet-facing"
    cidrs: tuple[str, ...] = ()
    """Ranges of pods and Services, which the network must leave free."""


@dataclass(frozen=True, slots=True)
class ExistingNetwork:
    """A network that is there already, and is only used: what is put where."""

    id: str
    cidrs: tuple[str, ...]
    machines: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Subnet for machines, by zone."""
    balancers: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Subnet for the API's load balancer, by zone."""
    is_public: bool = False
    """Machines need public addresses to reach the internet."""
    route_tables: tuple[str, ...] = ()
    """Tables of the machines' subnets: routes of pods go there."""


@dataclass(frozen=True, slots=True)
class NetworkRequest:
    """The network, firewall and API endpoint of one cluster."""

    cluster: str
    uid: str
    cidr: str = "10.0.0.0/16"
    zones: tuple[str, ...] = ()
    pod_cidrs: tuple[str, ...] = ("10.244.0.0/16",)
    service_cidrs: tuple[str, ...] = ("10.96.0.0/16",)
    api_port: int = 6443
    api_scheme: Literal["internet-facing", "internal"] = "internet-facing"
    api_source_ranges: tuple[str, ...] = ("0.0.0.0/0",)
    dns_zone: str = ""
    """Zone of the cloud's DNS, by its domain or its id, for a name of the API; empty where it needs none."""
    dns_name: str = ""
    """The name, whole or within the zone; empty is `api.<cluster>`."""
    ssh_source_ranges: tuple[str, ...] = ()
    node_port_source_ranges: tuple[str, ...] = ()
    """Who may reach node ports from outside; empty is the network itself only."""
    nat: Literal["none", "single", "per-zone"] = "single"
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    existing: ExistingNetwork | None = None
    """The network to use in place of one of its own; nothing of it is changed but for tags."""
    members: tuple[str, ...] = ()
    """Ids of the machines that answer on the API's port; the endpoint sends traffic to them."""
    record: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Tags for the one resource that stands for the cluster: with them the account tells what was declared."""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Provider-specific settings, as they stand in the cluster file."""
    self_managed: bool = False
    """The control plane's machines may do all that provisioning does."""
    hears_interruptions: bool = False
    """There are machines that the cloud may take back: what it says beforehand is gathered, if it can be."""


@dataclass(frozen=True, slots=True)
class Network:
    """What was made: where the API answers, and what a machine needs to be put into the network."""

    cluster: str
    endpoint: str = ""
    """Host and port of the API; empty until it is known."""
    attachments: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    """`MachineRequest.network` by "<role>/<zone>"."""
    is_ready: bool = False
    id: str = ""
    """The cloud's id of the network itself: another one after the cluster was deleted and made anew."""


@dataclass(frozen=True, slots=True)
class NetworkCapabilities:
    """What a `Networks` can do."""

    creates_network: bool = True
    api_load_balancer: bool = True
    firewall: bool = True
    nat: bool = True
    """The way out of the network is as declared: none, one, or one in each zone."""
    api_schemes: bool = True
    """The API has an address outside of the network, or has none, as declared."""
    dns: bool = False
    """The API may have a name in a zone of the cloud's DNS."""
    zones: tuple[str, ...] = ()
    options: tuple[str, ...] | None = None
    """Names of what it understands in `network.options`; others are refused. None lets everything through."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a look beforehand found out."""

    check: str
    """What was looked at: `quota`, `permission`, `machine type`, `name`, `network`."""
    message: str
    is_fatal: bool = True
    """False: it may work all the same, or could not be found out."""
    field: str = ""
    """Where it stands in the cluster file."""
