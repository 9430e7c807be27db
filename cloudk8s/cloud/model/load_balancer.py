"""What a Service of type LoadBalancer asks of a cloud, and what the cloud answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.cloud.model.route import IPFamily
from cloudk8s.machinery.codec import encode_canonical

Protocol = Literal["TCP", "UDP", "SCTP"]
TrafficPolicy = Literal["Cluster", "Local"]
SessionAffinity = Literal["None", "ClientIP"]
IPMode = Literal["", "VIP", "Proxy"]


@dataclass(frozen=True, slots=True, order=True)
class ServiceKey:
    """Which Service: a load balancer is owned by the UID, never by a name alone."""

    uid: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"service {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a Service; `node_port` 0 means that none is allocated."""

    port: int
    node_port: int = 0
    protocol: Protocol = "TCP"
    name: str = ""
    target_port: int | str = 0
    app_protocol: str = ""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How the load balancer finds out that a node takes traffic for this Service."""

    protocol: Literal["HTTP", "TCP"] = "HTTP"
    port: int = 10256
    path: str = "/healthz"


@dataclass(frozen=True, slots=True)
class PodTarget:
    """One ready endpoint, for providers that send traffic straight to pods."""

    address: str
    port: int
    service_port: str
    """Name of the Service's port, empty for the only one."""
    node: str = ""
    pod: str = ""


@dataclass(frozen=True, slots=True)
class LoadBalancerRequest:
    """The whole desired state; equal requests mean that there is nothing to do."""

    service: ServiceKey
    cluster: str
    ports: tuple[ServicePort, ...]
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    source_ranges: tuple[str, ...] = ("0.0.0.0/0",)
    traffic_policy: TrafficPolicy = "Cluster"
    health_check: HealthCheck = HealthCheck()
    session_affinity: SessionAffinity = "None"
    session_affinity_seconds: int = 10800
    load_balancer_ip: str = ""
    load_balancer_class: str = ""
    external_ips: tuple[str, ...] = ()
    ip_families: tuple[IPFamily, ...] = ("IPv4",)
    allocates_node_ports: bool = True
    nodes: tuple[NodeRef, ...] = ()
    """The nodes that shall take traffic, ordered by name; membership only, health is the balancer's to find out."""
    pods: tuple[PodTarget, ...] = ()
    """Ready endpoints; only for Services that ask for pod targets."""
    revision: str = ""
    """The provider's `capabilities.revision`."""

    @property
    def digest(self) -> str:
        """Stands for everything but the members; store it with the load balancer and return it from `describe`."""
        names = (entry.name for entry in fields(self) if entry.name not in ("nodes", "pods"))
        return _digest({name: getattr(self, name) for name in names})

    @property
    def targets_digest(self) -> str:
        """Stands for the members."""
        nodes = sorted((node.name, node.provider_id) for node in self.nodes)
        pods = sorted((pod.service_port, pod.address, pod.port) for pod in self.pods)
        return _digest([nodes, pods])


@dataclass(frozen=True, slots=True)
class Ingress:
    """One entry of `status.loadBalancer.ingress`: an address or a DNS name, never an address as a name."""

    ip: str = ""
    hostname: str = ""
    ip_mode: IPMode = ""
    """Only with `ip`: `Proxy` where traffic must really pass the load balancer; empty is VIP."""


@dataclass(frozen=True, slots=True)
class LoadBalancerStatus:
    """Where a load balancer is reached."""

    ingress: tuple[Ingress, ...] = ()
    warnings: tuple[str, ...] = ()
    """What the user should know: a member limit was hit, an annotation has no effect. Each becomes one event."""


@dataclass(frozen=True, slots=True)
class LoadBalancerState:
    """What the cloud holds for one Service."""

    service: ServiceKey
    status: LoadBalancerStatus = LoadBalancerStatus()
    digest: str = ""
    """The digest last ensured in full; empty where that is not known, which makes the core ensure again."""
    targets_digest: str = ""
    leftovers: tuple[str, ...] = ()
    """Ids of parts that are owned although the load balancer itself is not there."""


@dataclass(frozen=True, slots=True)
class LoadBalancerCapabilities:
    """What a `LoadBalancers` can do; the core refuses what it can't with one event and a condition."""

    protocols: frozenset[Protocol] = frozenset({"TCP"})
    mixed_protocols: bool = False
    """TCP and UDP in one Service."""
    ip_families: frozenset[IPFamily] = frozenset({"IPv4"})
    dual_stack: bool = False
    source_ranges: bool = False
    session_affinity: bool = False
    load_balancer_ip: bool = False
    local_traffic_policy: bool = True
    without_node_ports: bool = False
    """Works for Services that have no node ports."""
    max_ports: int = 0
    """0 is no limit."""
    update_batch: int = 1
    """How many Services one `update_targets` takes best, 0 for all; the core runs several calls at once."""
    classes: frozenset[str] = frozenset()
    """Values of `loadBalancerClass` that this provider serves, beside the cloud's own name."""
    node_selector_annotation: str = ""
    """Annotation (`k=v,k2=`; an empty value asks for the key only) that narrows the nodes."""
    pod_target_annotations: frozenset[tuple[str, str]] = frozenset()
    """(annotation, value) pairs that ask for pods as targets."""
    stores_digests: bool = True
    """Digests are kept in the cloud; without, a restart ensures each load balancer, which reads and changes nothing."""
    revision: str = ""
    """Part of every digest: change it when the provider or its settings would build something else."""


def _digest(values: object) -> str:
    return hashlib.sha256(encode_canonical(values)).hexdigest()[:32]
