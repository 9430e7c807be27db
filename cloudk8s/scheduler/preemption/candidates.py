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
Cost = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node, and the pods that have to go, the most important first."""

    node: str
    victims: Sequence[Pod]
    cost: Cost
    """Smaller is better: broken budgets, the highest priority, the sum of priorities, how many."""
    youth: str
    """When the oldest of the most important victims started; later is better."""

    @staticmethod
    def of(node: str, victims: Iterable[Pod], broken_budgets: int) -> Candidate:
        ordered = sorted(victims, key=importance)
        highest = ordered[0].priority
        cost = (broken_budgets, highest, sum(pod.priority + 2**31 for pod in ordered), len(ordered))
        return Candidate(node, ordered, cost, ordered[0].start_time)

    @property
    def is_harmless(self) -> bool:
        """Whether no budget is broken."""
        return not self.cost[0]


def importance(pod: Pod) -> tuple[int, str]:
    """Sorts the most important pod first: by priority, then by how long it has run."""
    return -pod.priority, pod.start_time


def lesser_pods(cluster: Cluster, slot: int, pod: Pod) -> list[Pod]:
    """The pods on a node that matter less than `pod`, the most important first."""
    priority = pod.priority
    return sorted((other for other in cluster.pods_on(slot) if other.priority < priority), key=importance)


def find_by_trial(cluster: Cluster, cycle: Cycle, slot: int, fits: Fits, split: Split) -> Candidate | None:
    """The least that has to go from one node; None if even all less important pods are not enough.

    Pods are taken out of the cluster to try, and all of them are back when this returns.
    """
    lesser = lesser_pods(cluster, slot, cycle.pod)
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
    return Candidate.of(node, victims, broken)


def best(candidates: Iterable[Candidate]) -> Candidate:
    """The one to take."""
    found = list(candidates)
    least = min(candidate.cost for candidate in found)
    return max((candidate for candidate in found if candidate.cost == least), key=lambda candidate: candidate.youth)


def _spared(cluster: Cluster, cycle: Cycle, slot: int, pod: Pod, node: str, fits: Fits) -> bool:
    """Put a pod back if there is room for both."""
    cluster.add(pod, node)
    if fits(cycle, slot):
        return True
    cluster.remove(pod)
    return False
