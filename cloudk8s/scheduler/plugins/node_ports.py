"""NodePorts: a host port is taken once for each address and protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.interface import ClusterEvent, Cycle, Handle, Interest, Rejection
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.pod.ports import host_ports

REASON: Final = "node(s) didn't have free ports for the requested pod ports"


class NodePorts:
    """Rejects nodes where another pod holds one of the pod's host ports."""

    name = "NodePorts"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        pass

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        ports = cycle.pod.shape.ports
        if not ports:
            return None
        taken = cycle.cluster.ports.clashes(ports, rows)
        return None if taken is None else ~taken

    def depends_on_pods(self, cycle: Cycle) -> bool:
        return bool(cycle.pod.shape.ports)

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        yield Rejection(REASON, rejected)

    def interests(self) -> Sequence[Interest]:
        return [
            Interest("assigned-pods", frozenset(("delete",)), _frees_port),
            Interest("nodes", frozenset(("add",))),
        ]


def _frees_port(pod: Pod, event: ClusterEvent) -> bool:
    freed = host_ports(event.object.get("spec") or {})
    return any(wanted.clashes(port) for wanted in pod.shape.ports for port in freed)
