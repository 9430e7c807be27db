"""What the autoscaler looks at, gathered from a cluster and its cloud; and what it decided, as a declaration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    annotations_of,
    is_deleting,
    labels_of,
    name_of,
    spec_of,
    status_of,
)
from cloudk8s.client.resources import CSI_NODES, DAEMON_SETS, NODES, POD_DISRUPTION_BUDGETS, PODS
from cloudk8s.cloud.model.machine import Machine
from cloudk8s.provisioning.autoscaler.budgets import Budgets
from cloudk8s.provisioning.autoscaler.consolidation import Kept, Removal, removable
from cloudk8s.provisioning.autoscaler.decision import Decision
from cloudk8s.provisioning.autoscaler.offer import StandingNode
from cloudk8s.provisioning.autoscaler.packing import decide
from cloudk8s.provisioning.autoscaler.volumes import ATTACHED
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.machines.priority import DELETE_MARK
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.offering import Fleet, offers_of
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State
from cloudk8s.provisioning.surroundings import surroundings
from cloudk8s.scheduler.pod.requests import Amounts, amounts
from cloudk8s.scheduler.pod.toleration import Taint, taints_of

STAY: Final = ("cluster-autoscaler.kubernetes.io/scale-down-disabled", "karpenter.sh/do-not-disrupt")
PASSING: Final = frozenset((
    "node.kubernetes.io/not-ready", "node.cloudprovider.kubernetes.io/uninitialized",
    "node.cluster.x-k8s.io/uninitialized",
))  # fmt: skip


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
    around = surroundings(api, pods)
    limits = attachable(api.list(CSI_NODES)) if around.volumes.claims else {}
    nodes = standing(api.list(NODES), pods, machines, declared, limits)
    fleet = Fleet(nodes, api.list(DAEMON_SETS), around.volumes)
    decision = decide(filter(waits_for_a_node, pods), nodes, offers_of(site, declared, fleet), around)
    if decision.machines:
        return Outlook(decision, (), ())
    spare = {pool.name: max(pool.replicas - (pool.min or 0), 0) for pool in declared.pools if pool.max is not None}
    workers = [node for node in nodes if node.pool in spare]
    others = [replace(node, pool="") for node in nodes if node.pool not in spare]
    budgets = Budgets.of(api.list(POD_DISRUPTION_BUDGETS), pods)
    removals, kept = removable([*workers, *others], spare, budgets, around)
    names = {node.name for node in workers}
    return Outlook(decision, tuple(removals), tuple(each for each in kept if each.node in names))


def waits_for_a_node(pod: Object) -> bool:
    """The scheduler has found no node for it, and makes no room for it on one."""
    if is_deleting(pod) or status_of(pod).get("nominatedNodeName"):
        return False
    found = (each for each in status_of(pod).get("conditions") or () if each["type"] == "PodScheduled")
    return not spec_of(pod).get("nodeName") and any(each.get("reason") == "Unschedulable" for each in found)


def standing(
    nodes: Sequence[Object], pods: Sequence[Object], machines: Sequence[Machine], declared: ClusterDeclaration,
    attachable: Mapping[str, Amounts] = MappingProxyType({}),
) -> list[StandingNode]:  # fmt: skip
    """Nodes with their pods and pools; pods on their way out still take their place, those that are waited for, too."""
    by_node: dict[str, list[Object]] = {}
    for pod in pods:
        place = spec_of(pod).get("nodeName") or status_of(pod).get("nominatedNodeName") or ""
        by_node.setdefault(place, []).append(pod)
    pools = {machine.provider_id: machine.pool for machine in machines if machine.role == "worker"}
    names = {pool.name for pool in declared.pools}
    found = []
    for node in nodes:
        name, pool = node["metadata"]["name"], pools.get(spec_of(node).get("providerID", ""), "")
        found.append(
            StandingNode(
                name, {**amounts(status_of(node).get("allocatable")), **attachable.get(name, {})}, labels_of(node),
                lasting(taints_of(node)), tuple(by_node.get(name, ())), pool if pool in names else "",
                accepts=accepts(node), held=held(node),
                features=frozenset(status_of(node).get("declaredFeatures") or ()),
            )
        )  # fmt: skip
    return found


def accepts(node: Object) -> bool:
    """It is ready and open for pods."""
    conditions = status_of(node).get("conditions") or ()
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return is_ready and not spec_of(node).get("unschedulable")


def lasting(taints: Iterable[Taint]) -> tuple[Taint, ...]:
    """Without those that go by themselves once a node is ready."""
    return tuple(taint for taint in taints if taint.key not in PASSING)


def held(node: Object) -> str:
    """Why a node has to stay by what it says itself."""
    found = [key for key in STAY if annotations_of(node).get(key) == "true"]
    return f"its annotation {found[0]} says so" if found else ""


def attachable(nodes: Iterable[Object]) -> dict[str, Amounts]:
    """How many volumes of which driver each node can attach, as resources, from CSINodes."""
    return {
        name_of(node): {
            f"{ATTACHED}{driver['name']}": int(count)
            for driver in spec_of(node).get("drivers") or ()
            if (count := (driver.get("allocatable") or {}).get("count")) is not None
        }
        for node in nodes
    }


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
