"""Nodes that would have room without some less important pods, and which of them to choose.

The rules are upstream's: as few broken disruption budgets as possible, then the least important victims, then few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.interface import Cycle
from cloudk8s.scheduler.pod.pod import Pod

Split = Callable[[Iterable[Pod]], tuple[list[Pod], list[Pod]]]
"""Pods whose removal breaks a budget, and the others."""
Fits = Callable[[Cycle, int], bool]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node, and the pods that have to go, the most important first."""

    node: str
    victims: Sequence[Pod]
    broken_budgets: int


def importance(pod: Pod) -> tuple[int, str]:
    """Sorts the most important pod first: by priority, then by how long it has run."""
    return -pod.priority, pod.start_time


def find_candidate(cluster: Cluster, cycle: Cycle, slot: int, fits: Fits, split: Split) -> Candidate | None:
    """The least that has to go from one node; None if even all less important pods are not enough.

    Pods are taken out of the cluster to try, and all of them are back when this returns.
    """
    lesser = sorted((pod for pod in cluster.pods_on(slot) if pod.priority < cycle.pod.priority), key=importance)
    if not lesser:
        return None
    node = cluster.nodes.names[slot]
    for pod in lesser:
        cluster.remove(pod)
    victims = []
    removed = list(lesser)
    try:
        if not fits(cycle, slot):
            return None
        breaking, harmless = split(lesser)
        broken = 0
        for pod in (*breaking, *harmless):
            if not _spared(cluster, cycle, slot, pod, node, fits):
                victims.append(pod)
                broken += pod in breaking
            else:
                removed.remove(pod)
    finally:
        for pod in removed:
            cluster.add(pod, node)
    victims.sort(key=importance)
    return Candidate(node, victims, broken)


def best(candidates: Sequence[Candidate]) -> Candidate:
    """The one to take."""
    least = min(_cost(candidate) for candidate in candidates)
    cheapest = [candidate for candidate in candidates if _cost(candidate) == least]
    return max(cheapest, key=_youth)


def _spared(cluster: Cluster, cycle: Cycle, slot: int, pod: Pod, node: str, fits: Fits) -> bool:
    """Put a pod back if there is room for both."""
    cluster.add(pod, node)
    if fits(cycle, slot):
        return True
    cluster.remove(pod)
    return False


def _cost(candidate: Candidate) -> tuple[int, int, int, int]:
    priorities = [pod.priority for pod in candidate.victims]
    return candidate.broken_budgets, max(priorities), sum(value + 2**31 for value in priorities), len(priorities)


def _youth(candidate: Candidate) -> str:
    """When the oldest of the most important victims started; later is better."""
    highest = max(pod.priority for pod in candidate.victims)
    return min(pod.start_time for pod in candidate.victims if pod.priority == highest)
