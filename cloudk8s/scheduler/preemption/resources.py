"""Candidates by arithmetic: where nothing but resources is short, nothing has to be tried.

What was found for a node is kept in the shape until a pod comes to that node or goes, so the next pod of the shape
finds most of it done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.preemption.candidates import Candidate, Split, lesser_pods

Needed = Mapping[str, int]
"""Resources that a pod needs."""


def find_by_resources(
    cluster: Cluster, pod: Pod, slot: int, needed: Needed, ahead: Sequence[Pod], split: Split
) -> Candidate | None:
    """The least that has to go from one node, next to the pods that are nominated to it; None if that is not enough."""
    lesser = lesser_pods(cluster, slot, pod)
    left = _left(cluster, slot, needed, (*lesser, *ahead), len(lesser))
    if not lesser or any(amount < 0 for amount in left.values()):
        return None
    breaking, harmless = split(lesser)
    victims, broken = [], 0
    for other in (*breaking, *harmless):
        requests = other.shape.requests
        if left[""] > 0 and all(requests.get(name, 0) <= left[name] for name in needed):
            left[""] -= 1
            for name in needed:
                left[name] -= requests.get(name, 0)
        else:
            victims.append(other)
            broken += other in breaking
    return Candidate.of(cluster.nodes.names[slot], victims, broken) if victims else None


def find_kept(cluster: Cluster, pod: Pod, slot: int, needed: Needed, split: Split) -> Candidate | None:
    """The same for a node that nobody is nominated to, and while there are no budgets."""
    known: dict[int, tuple[int, Candidate | None]] = pod.shape.memo.setdefault("candidates", {})
    version = cluster.nodes.changes[slot]
    found = known.get(slot)
    if found is None or found[0] != version:
        found = known[slot] = (version, find_by_resources(cluster, pod, slot, needed, (), split))
    return found[1]


def _left(cluster: Cluster, slot: int, needed: Needed, moved: Sequence[Pod], gone: int) -> dict[str, int]:
    """What is left of each resource once `gone` of the moved pods have gone, the others and the pod itself have come.

    Places for pods are under the empty name.
    """
    nodes = cluster.nodes
    left = {"": int(nodes.pods_free[slot]) - 1}
    for name, amount in needed.items():
        left[name] = int(nodes.free[nodes.resource(name), slot]) - amount
    for index, pod in enumerate(moved):
        sign, requests = (1 if index < gone else -1), pod.shape.requests
        left[""] += sign
        for name in needed:
            left[name] += sign * requests.get(name, 0)
    return left
