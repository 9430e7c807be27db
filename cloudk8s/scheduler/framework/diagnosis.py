"""Why a pod found no node, in upstream's words."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from cloudk8s.scheduler.cluster.arrays import Bools

NO_NODES = "no nodes available to schedule pods"


@dataclass(slots=True)
class Diagnosis:
    """The outcome of an attempt that failed."""

    node_count: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    """How many nodes were rejected for each reason."""
    resolvable: Bools | None = None
    """Rows where removing pods may help."""
    pre_filter: str = ""
    """What a plugin said before nodes were looked at."""
    post_filter: str = ""
    plugins: Set[str] = frozenset()
    """Who rejected nodes or the pod."""

    @property
    def message(self) -> str:
        """`0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: …`"""
        if not self.node_count:
            return NO_NODES
        text = f"0/{self.node_count} nodes are available:"
        if self.pre_filter:
            text += f" {self.pre_filter}."
        elif self.reasons:
            text += f" {counted(self.reasons)}."
        return f"{text} {self.post_filter}" if self.post_filter else text


def counted(reasons: Mapping[str, int]) -> str:
    """`1 Insufficient cpu, 2 node(s) were unschedulable`, in upstream's order, that of the text."""
    return ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
