"""What each node lacks or has too much of; a pure decision, but for what it says about ended pods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, labels_of, name_of, namespace_of, uid_of
from cloudk8s.controllers.daemon_set.placement import Placement
from cloudk8s.controllers.daemon_set.pods import oldest_first
from cloudk8s.controllers.daemon_set.settings import max_surge, min_ready_seconds
from cloudk8s.controllers.pods import is_available, is_ready, phase
from cloudk8s.controllers.revisions import POD_LABEL
from cloudk8s.machinery.clock import Clock

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 900.0


@dataclass(slots=True)
class Plan:
    """Which nodes get a pod, and which pods go."""

    nodes: list[str] = field(default_factory=list)
    pods: list[Object] = field(default_factory=list)
    again: timedelta | None = None
    """When a pod that failed too often may be replaced."""


class FailurePauses:
    """Pods that a node keeps failing are replaced more and more slowly."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pauses: dict[tuple[str, str], tuple[float, float]] = {}

    def left(self, daemon_set: Object, node: str) -> float:
        """Seconds until a failed pod may be replaced; 0 is now, and counts as a replacement."""
        key, now = (uid_of(daemon_set), node), self._clock.monotonic()
        pause, since = self._pauses.get(key, (0.0, 0.0))
        if pause and now - since < pause:
            return pause - (now - since)
        if len(self._pauses) > 20_000:
            self._pauses.clear()
        is_over = now - since > 2 * LONGEST_PAUSE
        self._pauses[key] = (min(pause * 2, LONGEST_PAUSE) if pause and not is_over else FIRST_PAUSE, now)
        return 0.0


@dataclass(slots=True)
class Upkeep:
    """One look at all nodes."""

    daemon_set: Object
    hash: str
    events: EventRecorder
    pauses: FailurePauses
    now: datetime

    def plan(
        self, nodes: Sequence[Object], pods: Mapping[str, Sequence[Object]], place: Callable[[Object], Placement]
    ) -> Plan:
        """Decide; `pods` are the DaemonSet's by node."""
        plan = Plan()
        names = set()
        for node in nodes:
            names.add(name_of(node))
            self._look_at(plan, name_of(node), pods.get(name_of(node), ()), place(node))
        plan.pods += _waiting_for_lost_nodes(names, pods)
        return plan

    def _look_at(self, plan: Plan, node: str, pods: Sequence[Object], place: Placement) -> None:
        if place.runs and not pods:
            plan.nodes.append(node)
        elif place.may_stay:
            if pods:
                self._prune(plan, node, pods)
        else:
            plan.pods += [pod for pod in pods if not is_deleting(pod)]

    def _prune(self, plan: Plan, node: str, pods: Sequence[Object]) -> None:
        running = []
        for pod in pods:
            if is_deleting(pod):
                continue
            if phase(pod) == "Failed":
                self._failed(plan, node, pod)
            elif phase(pod) == "Succeeded":
                where = f"{namespace_of(pod)}/{name_of(pod)} on node {node}"
                message = f"Found succeeded daemon pod {where}, will try to delete it"
                self.events.normal(self.daemon_set, "SucceededDaemonPod", message)
                plan.pods.append(pod)
            else:
                running.append(pod)
        if len(running) > 1:
            plan.pods += self._surplus(oldest_first(running))

    def _failed(self, plan: Plan, node: str, pod: Object) -> None:
        left = self.pauses.left(self.daemon_set, node)
        if left:
            wait = timedelta(seconds=left)
            plan.again = wait if plan.again is None else min(plan.again, wait)
            return
        message = f"Found failed daemon pod {namespace_of(pod)}/{name_of(pod)} on node {node}, will try to kill it"
        self.events.warning(self.daemon_set, "FailedDaemonPod", message)
        plan.pods.append(pod)

    def _surplus(self, running: Sequence[Object]) -> list[Object]:
        """All but the oldest; during a surge a new one may stand beside an old one until it is available."""
        if not max_surge(self.daemon_set, 1):
            return list(running[1:])
        new = [pod for pod in running if labels_of(pod).get(POD_LABEL) == self.hash]
        old = [pod for pod in running if labels_of(pod).get(POD_LABEL) != self.hash]
        surplus = [*new[1:], *old[1:]]
        if new and old:
            is_there = is_available(new[0], min_ready_seconds(self.daemon_set), self.now)
            if is_there or not is_ready(old[0]):
                surplus.append(old[0])
        return surplus


def _waiting_for_lost_nodes(names: set[str], pods: Mapping[str, Iterable[Object]]) -> list[Object]:
    """Pods that were made for a node which is gone before they were bound to it."""
    return [
        pod
        for node, on_node in pods.items()
        if node not in names
        for pod in on_node
        if not (pod.get("spec") or {}).get("nodeName")
    ]
