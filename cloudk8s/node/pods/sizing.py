"""How large a pod may be now: what it asks for, as far as the node has room beside its other pods."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cloudk8s.client.events import EventKind
from cloudk8s.client.interface import Object
from cloudk8s.node.pods import resize
from cloudk8s.node.pods.memory import PodMemory
from cloudk8s.node.pods.observed import Observed
from cloudk8s.node.pods.tools import Tools


class Sizing:
    """Grants one pod its resources; what containers have yet to be given is in `steps`. `others` are the other pods."""

    def __init__(self, tools: Tools, memory: PodMemory, *, others: Callable[[], Sequence[Object]]) -> None:
        self._tools, self._memory, self._others = tools, memory, others
        self.steps: list[resize.Step] = []

    def decide(self, pod: Object, observed: Observed) -> None:
        """Grant what the pod asks for where there is room, and see what is left to be done for it."""
        memory, node = self._memory, self._tools.node
        before = memory.granted if memory.granted is not None else resize.remembered(pod)
        decision = resize.decide(pod, before, self._others(), node.allocatable)
        memory.granted = decision.granted
        self.steps = resize.steps(pod, decision.granted, observed, memory_capacity=node.memory_capacity)
        if decision.reason and decision.reason not in {each.get("reason") for each in memory.resize_conditions}:
            kind: EventKind = "Warning" if decision.reason == "Infeasible" else "Normal"
            self._tools.pod_event(pod, kind, f"Resize{decision.reason}", decision.message)
        if not self.steps:
            memory.resize_error = ""
        found = decision.conditions(is_in_progress=bool(self.steps), error=memory.resize_error)
        memory.resize_conditions = tuple(found)
