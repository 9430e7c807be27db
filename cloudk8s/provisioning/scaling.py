"""What the autoscaler looks at, gathered from a cluster and its cloud; and what it decided, as a declaration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import controller_of, key_of, labels_of, namespace_of, spec_of, status_of
from cloudk8s.client.resources import NODES, POD_DISRUPTION_BUDGETS, PODS
from cloudk8s.cloud.interface import KnowsPrices
from cloudk8s.cloud.model.machine import Machine, MachineRequest, MachineType
from cloudk8s.machinery import labels
from cloudk8s.provisioning.autoscaler.consolidation import Kept, Removal, removable
from cloudk8s.provisioning.autoscaler.decision import Decision
from cloudk8s.provisioning.autoscaler.offer import Offer, StandingNode
from cloudk8s.provisioning.autoscaler.packing import decide
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.declaration.pool import Pool
from cloudk8s.provisioning.machines.priority import DELETE_MARK
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State
from cloudk8s.scheduler.pod.requests import Amounts, amounts, pod_requests
from cloudk8s.scheduler.pod.toleration import Taint, taints_of

ZONE: Final = "topology.kubernetes.io/zone"
INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
HOSTNAME: Final = "kubernetes.io/hostname"
_ARCHITECTURES: Final = "kubernetes.io/arch"


@dataclass(frozen=True, slots=True)
class Outlook:
    """One look at a cluster: what to make, what could go, and why the rest stays."""

    decision: Decision
    removals: tuple[Removal, ...]
    kept: tuple[Kept, ...]

    def lines(self) -> list[str]:
        """For people."""
        said = self.decision.lines()
        said += [f"node {each.node} of pool {each.pool} can go: its pods fit elsewhere" for each in self.removals]
        return said + [f"node {each.node} stays: {each.reason}" for each in self.kept]


def outlook(site: Site, state: State, api: ClusterApi) -> Outlook:
    """Look at pods and nodes, and decide. Pools without `max` are not scaled."""
    declared = state.recorded
    assert declared is not None, "there is no cluster"
    pods = [pod for pod in api.list(PODS) if status_of(pod).get("phase") not in ("Succeeded", "Failed")]
    machines = [view.machine for view in state.machines if view.exists]
    nodes = standing(api.list(NODES), pods, machines, declared)
    decision = decide(filter(waits_for_a_node, pods), nodes, offers_of(site, declared, nodes))
    if decision.machines:
        return Outlook(decision, (), ())
    spare = {pool.name: max(pool.replicas - (pool.min or 0), 0) for pool in declared.pools if pool.max is not None}
    workers = [node for node in nodes if node.pool in spare]
    others = [replace(node, pool="") for node in nodes if node.pool not in spare]
    removals, kept = removable([*workers, *others], spare, held_by_budgets(api, pods))
    names = {node.name for node in workers}
    return Outlook(decision, tuple(removals), tuple(each for each in kept if each.node in names))


def waits_for_a_node(pod: Object) -> bool:
    """The scheduler has found no node for it."""
    found = (each for each in status_of(pod).get("conditions") or () if each["type"] == "PodScheduled")
    return not spec_of(pod).get("nodeName") and any(each.get("reason") == "Unschedulable" for each in found)


def standing(
    nodes: Sequence[Object], pods: Sequence[Object], machines: Sequence[Machine], declared: ClusterDeclaration
) -> list[StandingNode]:
    """Nodes with their pods and pools; pods on their way out still take their place."""
    by_node: dict[str, list[Object]] = {}
    for pod in pods:
        by_node.setdefault(spec_of(pod).get("nodeName", ""), []).append(pod)
    pools = {machine.provider_id: machine.pool for machine in machines if machine.role == "worker"}
    names = {pool.name for pool in declared.pools}
    found = []
    for node in nodes:
        name, pool = node["metadata"]["name"], pools.get(spec_of(node).get("providerID", ""), "")
        found.append(
            StandingNode(
                name, amounts(status_of(node).get("allocatable")), labels_of(node), taints_of(node),
                tuple(by_node.get(name, ())), pool if pool in names else "", accepts=accepts(node),
            )
        )  # fmt: skip
    return found


def accepts(node: Object) -> bool:
    """It is ready and open for pods."""
    conditions = status_of(node).get("conditions") or ()
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return is_ready and not spec_of(node).get("unschedulable")


def offers_of(site: Site, declared: ClusterDeclaration, nodes: Sequence[StandingNode]) -> list[Offer]:
    """The machines that pools may still get: sized like a node that the pool has, else like the cloud's type."""
    types = {each.name: each for each in site.machines.types()}
    found = []
    for pool in declared.pools:
        if pool.max is None:
            continue
        alike = next((node for node in nodes if node.pool == pool.name), None)
        kind = types.get(pool.type) or (next(iter(types.values()), None) if not pool.type else None)
        if alike is None and kind is None:
            continue
        price = price_of(site, pool, kind)
        for zone in zones_of(pool, kind, alike):
            size = room_on(alike) if alike is not None else size_of(kind)
            found.append(
                Offer(
                    pool.name, pool.type or (kind.name if kind else ""), zone, size, price,
                    node_labels(pool, kind, alike, zone), taints_for(pool), max(pool.max - pool.replicas, 0),
                )
            )  # fmt: skip
    return found


def room_on(node: StandingNode) -> Amounts:
    """What a fresh node like this one has for pods: all but what its DaemonSets take."""
    left = dict(node.allocatable)
    for pod in node.pods:
        if (controller_of(pod) or {}).get("kind") == "DaemonSet":
            for name, value in {**pod_requests(spec_of(pod)), "pods": 1}.items():
                left[name] = left.get(name, 0) - value
    return left


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


def node_labels(pool: Pool, kind: MachineType | None, alike: StandingNode | None, zone: str) -> Mapping[str, str]:
    """Labels that the node will have; its name is not known yet."""
    known = {name: value for name, value in (alike.labels if alike else {}).items() if name != HOSTNAME}
    if kind is not None:
        known |= {INSTANCE_TYPE: kind.name, _ARCHITECTURES: kind.architecture, "kubernetes.io/os": "linux"}
    return {**known, **({ZONE: zone} if zone else {}), **pool.labels}


def taints_for(pool: Pool) -> tuple[Taint, ...]:
    return tuple(Taint(each.key, each.value, each.effect) for each in pool.taints)


def held_by_budgets(api: ClusterApi, pods: Sequence[Object]) -> set[str]:
    """Pods whose disruption budget allows none to go now."""
    held: set[str] = set()
    for budget in api.list(POD_DISRUPTION_BUDGETS):
        if status_of(budget).get("disruptionsAllowed", 0) > 0:
            continue
        selector = labels.from_object(spec_of(budget).get("selector"))
        same = (pod for pod in pods if namespace_of(pod) == namespace_of(budget))
        held |= {key_of(pod) for pod in same if selector.matches(labels_of(pod))}
    return held


def replicas_after(
    declared: ClusterDeclaration, decision: Decision, removals: Sequence[Removal] = ()
) -> dict[str, int]:
    """How many machines each pool that changes should have."""
    more, fewer = decision.by_pool, Counter(removal.pool for removal in removals)
    after = {pool.name: pool.replicas + more.get(pool.name, 0) - fewer[pool.name] for pool in declared.pools}
    return {pool.name: after[pool.name] for pool in declared.pools if after[pool.name] != pool.replicas}


def mark(api: ClusterApi, removals: Sequence[Removal]) -> None:
    """Say on the nodes that they are the ones to go when their pools shrink."""
    for removal in removals:
        api.patch(NODES, removal.node, {"metadata": {"annotations": {DELETE_MARK: "true"}}})
