"""NodeName: a pod that names its node goes nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.interface import Cycle, Handle, Interest, Rejection

REASON: Final = "node(s) didn't match the requested node name"


class NodeName:
    """Rejects all nodes but the one in `spec.nodeName`."""

    name = "NodeName"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        pass

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        wanted = cycle.pod.spec.get("nodeName")
        if not wanted:
            return None
        names = cycle.cluster.nodes.names[rows]
        return np.fromiter((name == wanted for name in names), dtype=np.bool_, count=len(names))

    def depends_on_pods(self, cycle: Cycle) -> bool:
        return False

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        yield Rejection(REASON, rejected, is_resolvable=False)

    def interests(self) -> Sequence[Interest]:
        return [Interest("nodes", frozenset(("add",)))]
