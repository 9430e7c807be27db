"""NodeUnschedulable: keep off cordoned nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.interface import ClusterEvent, Cycle, Handle, Interest, Rejection
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.pod.toleration import UNSCHEDULABLE, is_tolerated

REASON: Final = "node(s) were unschedulable"


class NodeUnschedulable:
    """Rejects nodes with `spec.unschedulable`, unless the pod tolerates the taint that goes with it."""

    name = "NodeUnschedulable"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        pass

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        cordoned = cycle.cluster.nodes.unschedulable[rows]
        if not cordoned.any() or is_tolerated(cycle.pod.shape.tolerations, UNSCHEDULABLE):
            return None
        return ~cordoned

    def depends_on_pods(self, cycle: Cycle) -> bool:
        return False

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        yield Rejection(REASON, rejected, is_resolvable=False)

    def interests(self) -> Sequence[Interest]:
        return [Interest("nodes", frozenset(("add", "update")), _is_schedulable)]


def _is_schedulable(pod: Pod, event: ClusterEvent) -> bool:
    return not (event.object.get("spec") or {}).get("unschedulable")
