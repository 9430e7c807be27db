"""DefaultPreemption: remove less important pods where that makes room for one that found none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from cloudk8s.client.resources import POD_DISRUPTION_BUDGETS
from cloudk8s.errors import CloudK8sError
from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.framework.diagnosis import counted
from cloudk8s.scheduler.interface import Asking, Cycle, Handle, Interest, Nomination
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.preemption.budgets import split_by_budget
from cloudk8s.scheduler.preemption.candidates import Candidate, best, find_by_trial
from cloudk8s.scheduler.preemption.eviction import evict
from cloudk8s.scheduler.preemption.resources import find_by_resources, find_kept

NEVER: Final = "preemption: not eligible due to preemptionPolicy=Never."
ENDING: Final = "preemption: not eligible due to a terminating pod on the nominated node."
NOT_HELPFUL: Final = "Preemption is not helpful for scheduling"
NOBODY: Final = "preemption: no candidate node for preemption."
NO_VICTIMS: Final = "No preemption victims found for incoming pod"


class DefaultPreemption:
    """Looks at a tenth of the nodes, at least a hundred, from a random one on; enough to find a good one."""

    name = "DefaultPreemption"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._handle = handle
        self._percentage = int(arguments.get("minCandidateNodesPercentage", 10))
        self._absolute = int(arguments.get("minCandidateNodesAbsolute", 100))
        self._budgets = handle.informers.of(POD_DISRUPTION_BUDGETS)
        self._busy: set[str] = set()
        """Pods whose victims are being removed right now."""

    def post_filter(self, cycle: Cycle, resolvable: Bools) -> Nomination | None:
        """Make room, or say why that is not possible."""
        found = self._look(cycle, resolvable)
        return found if isinstance(found, Nomination) else self._take(cycle.pod, found)

    async def post_filter_asking(self, cycle: Cycle, resolvable: Bools, ask: Asking) -> Nomination | None:
        """The same, with candidates that others agree to."""
        found = self._look(cycle, resolvable)
        if isinstance(found, Nomination):
            return found
        nodes = self._handle.cluster.nodes
        agreed = await ask(cycle.pod, found)
        return self._take(cycle.pod, [each for each in agreed if nodes.slot(each.node) is not None])

    def _take(self, pod: Pod, candidates: Sequence[Candidate]) -> Nomination:
        if not candidates:
            return Nomination("", NOBODY)
        chosen = best(candidates)
        self._preempt(pod, chosen)
        return Nomination(chosen.node)

    def _look(self, cycle: Cycle, resolvable: Bools) -> Nomination | Sequence[Candidate]:
        """Where there would be room without others, or why there is no such node."""
        pod, nodes = cycle.pod, self._handle.cluster.nodes
        if not pod.shape.preempts:
            return Nomination(None, NEVER)
        if pod.uid in self._busy or self._is_ending(pod, resolvable):
            return Nomination(None, ENDING)
        self._handle.metrics.preemptions.add()
        slots = np.flatnonzero(resolvable & nodes.exists[nodes.rows])
        version = self._handle.cluster.version
        candidates = self._candidates(cycle, slots)
        self._handle.cluster.version = version  # what was tried was taken back
        if not candidates:
            reasons = {NO_VICTIMS: len(slots), NOT_HELPFUL: nodes.count - len(slots)}
            text = counted({reason: count for reason, count in reasons.items() if count})
            return Nomination("", f"preemption: 0/{nodes.count} nodes are available: {text}.")
        return candidates

    def interests(self) -> Sequence[Interest]:
        return [Interest("assigned-pods", frozenset(("delete",)))]

    def _is_ending(self, pod: Pod, resolvable: Bools) -> bool:
        """Whether victims on the nominated node are still on their way out."""
        cluster = self._handle.cluster
        name = self._handle.nominations.node_of(pod.key)
        slot = cluster.nodes.slot(name) if name else None
        if slot is None or not resolvable[slot]:
            return False
        return any(other.is_terminating and other.priority < pod.priority for other in cluster.pods_on(slot))

    def _candidates(self, cycle: Cycle, slots: np.ndarray[Any, Any]) -> list[Candidate]:
        if not len(slots):
            return []
        find = self._finder(cycle)
        wanted = min(len(slots), max(len(slots) * self._percentage // 100, self._absolute))
        offset = self._handle.random.randrange(len(slots))
        found: list[Candidate] = []
        harmless = 0
        for slot in (*slots[offset:].tolist(), *slots[:offset].tolist()):
            candidate = find(slot)
            if candidate is not None:
                found.append(candidate)
                harmless += candidate.is_harmless
                if harmless and len(found) >= wanted:
                    break
        return found

    def _finder(self, cycle: Cycle) -> Callable[[int], Candidate | None]:
        """How to look at one node: by arithmetic if resources are all that matters, else by trial."""
        handle, cluster, pod = self._handle, self._handle.cluster, cycle.pod
        short = handle.short_of_resources(cycle)
        if short is None:
            return lambda slot: find_by_trial(cluster, cycle, slot, handle.fits, self._split)
        rows, needed = short
        has_budgets = len(self._budgets) > 0

        def find(slot: int) -> Candidate | None:
            if not rows[slot]:
                return None
            ahead = handle.nominations.ahead_of(pod, cluster.nodes.names[slot])
            if ahead or has_budgets:
                return find_by_resources(cluster, pod, slot, needed, ahead, self._split)
            return find_kept(cluster, pod, slot, needed, self._split)

        return find

    def _split(self, pods: Any) -> tuple[list[Pod], list[Pod]]:
        return split_by_budget(pods, self._budgets)

    def _preempt(self, pod: Pod, candidate: Candidate) -> None:
        """Start removing the victims, and take the node from those that were nominated to it with less right."""
        handle = self._handle
        handle.metrics.victims.observe(len(candidate.victims))
        for other in handle.nominations.behind(pod, candidate.node):
            handle.nominations.remove(other.key)
            handle.spawn(handle.reporter.unnominated(other), f"clear nomination of {other.key}")
            handle.revive(other.key)
        running = []
        for victim in candidate.victims:
            if (waiting := handle.waiting.get(victim.key)) is not None:
                waiting.reject(self.name, "preempted")
            else:
                running.append(victim)
            handle.reporter.preempted(victim, pod)
        self._busy.add(pod.uid)
        handle.spawn(self._evict(running, pod), f"preempt for {pod.key}")

    async def _evict(self, victims: Sequence[Pod], pod: Pod) -> None:
        try:
            await evict(self._handle.client, victims, pod, clock=self._handle.clock)
        except* (CloudK8sError, OSError) as errors:
            self._handle.reporter.failed(pod, f"preemption failed: {errors.exceptions[0]}")
            self._handle.nominations.remove(pod.key)
            self._handle.revive(pod.key)
        finally:
            self._busy.discard(pod.uid)
