"""Making room for a pod that no node can take, by the post-filters of its profile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.extenders.extenders import Extenders
from cloudk8s.scheduler.extenders.failure import ExtenderFailed
from cloudk8s.scheduler.framework.diagnosis import Diagnosis
from cloudk8s.scheduler.framework.failures import Failures
from cloudk8s.scheduler.framework.nominations import Nominations
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.framework.timing import Sampler
from cloudk8s.scheduler.interface import AskingPostFilter, Cycle, Nomination, PostFilter
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.preemption.candidates import Candidate


class Room:
    """Both ways write into the diagnosis what came of it.

    They return the node that is kept for the pod from now on: empty for none, None if nothing changes.
    """

    def __init__(self, cluster: Cluster, nominations: Nominations, failures: Failures) -> None:
        self._cluster, self._nominations, self._failures = cluster, nominations, failures

    def make(self, profile: Profile, cycle: Cycle, diagnosis: Diagnosis, sampler: Sampler | None) -> str | None:
        """Ask the post-filters until one has found a node."""
        outcomes = []
        for plugin in profile.post_filter if diagnosis.node_count else ():
            outcomes.append(outcome := plugin.post_filter(cycle, self._resolvable(diagnosis)))
            if outcome is not None and outcome.node:
                break
        nominated = self._conclude(cycle.pod, diagnosis, outcomes, sampler)
        if nominated == "":
            self._failures.keep(cycle.pod, profile, diagnosis)
        return nominated

    async def make_asking(
        self, profile: Profile, cycle: Cycle, diagnosis: Diagnosis, sampler: Sampler | None, extenders: Extenders
    ) -> str | None:
        """The same where extenders have to agree to what goes."""
        outcomes = []
        for plugin in profile.post_filter if diagnosis.node_count else ():
            outcomes.append(outcome := await self._asked(plugin, cycle, diagnosis, extenders))
            if outcome is not None and outcome.node:
                break
        return self._conclude(cycle.pod, diagnosis, outcomes, sampler)

    async def _asked(
        self, plugin: PostFilter, cycle: Cycle, diagnosis: Diagnosis, extenders: Extenders
    ) -> Nomination | None:
        resolvable = self._resolvable(diagnosis)
        if not (extenders.preempt_for(cycle.pod) and isinstance(plugin, AskingPostFilter)):
            return plugin.post_filter(cycle, resolvable)

        async def ask(pod: Pod, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
            return await extenders.preempt(pod, candidates, self._pods_on)

        try:
            return await plugin.post_filter_asking(cycle, resolvable, ask)
        except ExtenderFailed as error:
            return Nomination(None, f"preemption: {error}.")

    def _conclude(
        self, pod: Pod, diagnosis: Diagnosis, outcomes: Iterable[Nomination | None], sampler: Sampler | None
    ) -> str | None:
        nominated: str | None = None
        messages: list[str] = []
        for outcome in outcomes:
            if outcome is not None:
                nominated = outcome.node if outcome.node is not None else nominated
                messages = [] if outcome.node else [*messages, *filter(None, [outcome.message])]
        diagnosis.post_filter = ", ".join(messages)
        if sampler is not None:
            sampler.flush()
        if nominated:
            self._nominations.put(pod, nominated)
        elif nominated == "":
            self._nominations.remove(pod.key)
        return nominated

    def _resolvable(self, diagnosis: Diagnosis) -> Bools:
        if diagnosis.resolvable is not None:
            return diagnosis.resolvable
        return np.zeros(self._cluster.nodes.size, dtype=np.bool_)

    def _pods_on(self, name: str) -> Iterable[Pod]:
        slot = self._cluster.nodes.slot(name)
        return () if slot is None else self._cluster.pods_on(slot)
