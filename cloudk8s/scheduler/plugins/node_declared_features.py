"""NodeDeclaredFeatures: keep off nodes that do not say that they can do what the pod needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import status_of
from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.interface import ClusterEvent, Cycle, Handle, Interest, Rejection
from cloudk8s.scheduler.pod.pod import Pod

REASON: Final = "node declared features check failed - unsatisfied requirements: "


class NodeDeclaredFeatures:
    """Few pods need any; for those the nodes are looked at one by one."""

    name = "NodeDeclaredFeatures"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        pass

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        wanted = cycle.pod.shape.features
        if not wanted:
            return None
        return np.array([not _missing(wanted, node) for node in cycle.cluster.nodes.objects[rows]], dtype=np.bool_)

    def depends_on_pods(self, cycle: Cycle) -> bool:
        return False

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        nodes, wanted = cycle.cluster.nodes, cycle.pod.shape.features
        missing = [", ".join(_missing(wanted, node)) for node in nodes.objects[nodes.rows]]
        for each in sorted({found for found in missing if found}):
            rows = np.array([found == each for found in missing], dtype=np.bool_)
            yield Rejection(REASON + each, rows & rejected, is_resolvable=False)

    def interests(self) -> Sequence[Interest]:
        return [Interest("nodes", frozenset(("add", "update")), _may_do), Interest("pods", frozenset(("update",)))]


def _may_do(pod: Pod, event: ClusterEvent) -> bool:
    return event.new is not None and not _missing(pod.shape.features, event.new)


def _missing(wanted: Sequence[str], node: Object | None) -> list[str]:
    declared = status_of(node).get("declaredFeatures") or () if node is not None else ()
    return [feature for feature in wanted if feature not in declared]
