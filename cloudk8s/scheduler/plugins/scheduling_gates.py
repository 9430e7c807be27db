"""SchedulingGates: a pod with gates is not ready to be scheduled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.scheduler.interface import Handle, Interest, Refusal
from cloudk8s.scheduler.pod.pod import Pod


class SchedulingGates:
    """Keeps gated pods out of the queue until the last gate is removed."""

    name = "SchedulingGates"

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        pass

    def pre_enqueue(self, pod: Pod) -> Refusal | None:
        gates = [gate.get("name", "") for gate in pod.spec.get("schedulingGates") or ()]
        return Refusal(f"waiting for scheduling gates: [{' '.join(gates)}]", is_resolvable=False) if gates else None

    def interests(self) -> Sequence[Interest]:
        return [Interest("pods", frozenset(("update",)))]
