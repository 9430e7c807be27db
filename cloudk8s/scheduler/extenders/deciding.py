"""Decide about a pod together with extenders.

Answers take a while, and the cluster changes meanwhile. So nodes are named, not numbered, and what plugins say is asked
again at the end, in one go, about those nodes that extenders have left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Object
from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.extenders.extenders import NAME, Extenders
from cloudk8s.scheduler.extenders.wire import Verdict
from cloudk8s.scheduler.framework.deciding import Decider
from cloudk8s.scheduler.framework.diagnosis import Diagnosis
from cloudk8s.scheduler.interface import Cycle
from cloudk8s.scheduler.pod.pod import Pod


class AskingDecider:
    """Asks extenders on the way. Raises ExtenderFailed."""

    def __init__(self, extenders: Extenders, cluster: Cluster, nodes: Informer) -> None:
        self._extenders, self._cluster, self._nodes = extenders, cluster, nodes

    async def decide(self, pod: Pod, decider: Decider) -> tuple[Cycle, str | Diagnosis]:
        """The best node for a pod or why there is none, and the cycle in which that was found."""
        cycle = Cycle(pod, self._cluster)
        found = decider.candidates(cycle)
        if isinstance(found, Diagnosis):
            return cycle, found
        verdict = await self._extenders.filter(pod, self._objects(found))
        left = self._objects(verdict.names)
        scores = await self._extenders.prioritize(pod, left) if len(left) > 1 else {}
        cycle = Cycle(pod, self._cluster)
        return cycle, decider.decide_among(cycle, left, scores) if left else self._rejected(cycle, decider, verdict)

    def _objects(self, names: Iterable[str]) -> Mapping[str, Object]:
        found = ((name, self._nodes.get(name)) for name in names)
        return {name: node for name, node in found if node is not None}

    def _rejected(self, cycle: Cycle, decider: Decider, verdict: Verdict) -> Diagnosis:
        """Extenders let no node pass: what plugins said of the others comes with that."""
        diagnosis = decider.explain(cycle)
        if diagnosis.pre_filter:
            return diagnosis
        counts = dict(diagnosis.reasons)
        nodes = self._cluster.nodes
        resolvable = np.zeros(nodes.size, dtype=np.bool_) if diagnosis.resolvable is None else diagnosis.resolvable
        for name, reason in (*verdict.failed.items(), *verdict.unresolvable.items()):
            counts[reason] = counts.get(reason, 0) + 1
            slot = nodes.slot(name)
            if slot is not None and slot < len(resolvable):
                resolvable[slot] = name not in verdict.unresolvable
        return Diagnosis(nodes.count, counts, resolvable, plugins={*diagnosis.plugins, NAME})
