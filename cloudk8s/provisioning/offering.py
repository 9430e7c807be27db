"""The machines that pools may still get: what they would have, cost and be called, before they are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import controller_of, name_of, namespace_of, spec_of
from cloudk8s.cloud.interface import KnowsPrices
from cloudk8s.cloud.model.machine import MachineRequest, MachineType
from cloudk8s.provisioning.autoscaler.offer import Offer, StandingNode
from cloudk8s.provisioning.autoscaler.volumes import Volumes
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.declaration.pool import Pool
from cloudk8s.provisioning.site import Site
from cloudk8s.scheduler.pod.node_selection import selection
from cloudk8s.scheduler.pod.ports import HostPort, host_ports
from cloudk8s.scheduler.pod.requests import Amounts, pod_requests
from cloudk8s.scheduler.pod.toleration import NO_EXECUTE, NO_SCHEDULE, Taint, tolerations_of, untolerated

ZONE: Final = "topology.kubernetes.io/zone"
INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
_ARCHITECTURES: Final = "kubernetes.io/arch"


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is known of a cluster that tells what its new nodes will be like."""

    nodes: Sequence[StandingNode] = ()
    daemons: Sequence[Object] = ()
    """DaemonSets."""
    volumes: Volumes | None = None

    def zone_keys(self) -> set[str]:
        """Labels by which nodes tell their zone, those included that drivers of volumes go by."""
        said = {key for node in self.nodes for key, value in node.labels.items() if value == node.zone}
        said |= self.volumes.place_keys() if self.volumes is not None else set()
        return {key for key in said if key.endswith("/zone")}


def offers_of(site: Site, declared: ClusterDeclaration, fleet: Fleet) -> list[Offer]:
    """One for each pool and zone: sized like a node that the pool has, else like the cloud's type."""
    types = {each.name: each for each in site.machines.types()}
    zone_keys = fleet.zone_keys()
    found = []
    for pool in declared.pools:
        if pool.max is None:
            continue
        alike = next((node for node in fleet.nodes if node.pool == pool.name), None)
        kind = types.get(pool.type) or (next(iter(types.values()), None) if not pool.type else None)
        if alike is None and kind is None:
            continue
        price = price_of(site, pool, kind)
        for zone in zones_of(pool, kind, alike):
            offer = Offer(
                pool.name, pool.type or (kind.name if kind else ""), zone,
                dict(alike.allocatable) if alike is not None else size_of(kind), price,
                node_labels(pool, kind, alike, zone, zone_keys), taints_for(pool), max(pool.max - pool.replicas, 0),
                features=features_of(alike, fleet.nodes),
            )  # fmt: skip
            found.append(with_daemons(offer, alike, fleet.daemons))
    return found


def with_daemons(offer: Offer, alike: StandingNode | None, daemons: Iterable[Object]) -> Offer:
    """Less what runs on every such machine: as on one that is there, and what DaemonSets would add to it."""
    there = [pod for pod in (alike.pods if alike is not None else ()) if _controller(pod)[0] in ("DaemonSet", "Node")]
    known = {(namespace_of(pod), _controller(pod)) for pod in there}
    specs = [spec_of(pod) for pod in there]
    for each in daemons:
        spec = spec_of(each)["template"]["spec"]
        if (namespace_of(each), ("DaemonSet", name_of(each))) not in known and _runs_on(spec, offer):
            specs.append(spec)
    left = dict(offer.allocatable)
    ports: list[HostPort] = []
    for spec in specs:
        ports += host_ports(spec)
        for name, value in {**pod_requests(spec), "pods": 1}.items():
            left[name] = left.get(name, 0) - value
    return replace(offer, allocatable=left, ports=tuple(ports))


def size_of(kind: MachineType | None) -> Amounts:
    assert kind is not None
    return {"cpu": int(kind.cpus * 1000), "memory": kind.memory_bytes, "pods": kind.max_pods}


def price_of(site: Site, pool: Pool, kind: MachineType | None) -> float:
    """Dollars an hour; 0 is not known."""
    if isinstance(site.machines, KnowsPrices):
        request = MachineRequest("", "", site.cluster, pool=pool.name, type=pool.type, spot=pool.spot)
        return site.machines.machine_price(request) or 0.0
    if kind is None:
        return 0.0
    return (kind.spot_price_per_hour if pool.spot else 0.0) or kind.price_per_hour


def zones_of(pool: Pool, kind: MachineType | None, alike: StandingNode | None) -> Sequence[str]:
    """Where a machine of the pool may be."""
    return pool.zones or (kind.zones if kind else ()) or ((alike.zone,) if alike else ("",))


def node_labels(
    pool: Pool, kind: MachineType | None, alike: StandingNode | None, zone: str, zone_keys: Iterable[str] = ()
) -> Mapping[str, str]:
    """Labels that the node will have; its name, and labels that tell no more than it, are not known yet."""
    known = {key: value for key, value in (alike.labels if alike else {}).items() if alike and value != alike.name}
    if kind is not None:
        known |= {INSTANCE_TYPE: kind.name, _ARCHITECTURES: kind.architecture, "kubernetes.io/os": "linux"}
    zones = dict.fromkeys((ZONE, *zone_keys), zone) if zone else {}
    return {**known, **zones, **pool.labels}


def taints_for(pool: Pool) -> tuple[Taint, ...]:
    return tuple(Taint(each.key, each.value, each.effect) for each in pool.taints)


def features_of(alike: StandingNode | None, nodes: Sequence[StandingNode]) -> frozenset[str]:
    """What a new node will declare: as one of its pool does, else what all nodes do."""
    if alike is not None:
        return alike.features
    return frozenset.intersection(*(node.features for node in nodes)) if nodes else frozenset()


def _runs_on(spec: Object, offer: Offer) -> bool:
    """Whether a DaemonSet has a pod on every such machine; what ails nodes now and then keeps none of them away."""
    return selection(spec).matches("", offer.labels) and not untolerated(
        tolerations_of(spec), offer.taints, NO_SCHEDULE, NO_EXECUTE
    )


def _controller(pod: Object) -> tuple[str, str]:
    found = controller_of(pod) or {}
    return found.get("kind", ""), found.get("name", "")
