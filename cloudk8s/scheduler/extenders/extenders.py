"""All extenders of a scheduler, asked one after the other; each sees what those before it have left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from cloudk8s.client.interface import Object
from cloudk8s.scheduler.configuration.extender import ExtenderConfiguration
from cloudk8s.scheduler.extenders.failure import ExtenderFailed
from cloudk8s.scheduler.extenders.wire import Verdict
from cloudk8s.scheduler.interface import MAX_SCORE, Cycle
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.preemption.candidates import Candidate

if TYPE_CHECKING:
    from cloudk8s.scheduler.extenders.extender import Extender

NAME = "Extender"
"""What a pod that an extender rejected was rejected by."""
MAX_EXTENDER_SCORE = 10

PodsOn = Callable[[str], Iterable[Pod]]
_log = logging.getLogger(__name__)


class Extenders:
    """Every method raises ExtenderFailed, unless those that failed may be ignored."""

    def __init__(self, configurations: Iterable[ExtenderConfiguration]) -> None:
        from cloudk8s.scheduler.extenders.extender import Extender  # few schedulers have any, and HTTP has to be loaded

        self._all = [Extender(configuration) for configuration in configurations]

    def __bool__(self) -> bool:
        return bool(self._all)

    def decide_about(self, pod: Pod) -> bool:
        """Whether anybody has to be asked before the pod gets a node."""
        return any(each.filters or each.prioritizes or each.preempts for each in self._concerned(pod))

    def preempt_for(self, pod: Pod) -> bool:
        """Whether anybody has to be asked before others go for the pod."""
        return any(each.preempts for each in self._concerned(pod))

    async def filter(self, pod: Pod, nodes: Mapping[str, Object]) -> Verdict:
        """The nodes that all let pass."""
        left = dict(nodes)
        failed: dict[str, str] = {}
        unresolvable: dict[str, str] = {}
        for extender in self._concerned(pod):
            if not left or not extender.filters:
                continue
            try:
                found = await extender.filter(pod, left)
            except ExtenderFailed as error:
                if not extender.is_ignorable:
                    raise
                _log.warning("%s; ignored", error)
                continue
            unresolvable |= found.unresolvable
            failed |= {name: reason for name, reason in found.failed.items() if name not in found.unresolvable}
            left = {name: left[name] for name in found.names}
        return Verdict(list(left), failed, unresolvable)

    async def prioritize(self, pod: Pod, nodes: Mapping[str, Object]) -> Mapping[str, float]:
        """What to add to the scores of nodes, on the scale of plugins. Nobody who fails here is waited for."""
        asked = [each for each in self._concerned(pod) if each.prioritizes]
        answers = await asyncio.gather(*(each.prioritize(pod, nodes) for each in asked), return_exceptions=True)
        total: dict[str, float] = {}
        for answer in answers:
            if isinstance(answer, ExtenderFailed):
                _log.warning("%s; ignored", answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                for name, score in answer.items():
                    total[name] = total.get(name, 0.0) + score * (MAX_SCORE / MAX_EXTENDER_SCORE)
        return total

    async def preempt(self, pod: Pod, candidates: Sequence[Candidate], pods_on: PodsOn) -> Sequence[Candidate]:
        """The candidates that all agree to, with the victims that they chose."""
        for extender in self._concerned(pod):
            if not candidates or not extender.preempts:
                continue
            try:
                found = await extender.preempt(pod, candidates)
                candidates = [_candidate(node, *chosen, pods_on) for node, chosen in found.items()]
            except ExtenderFailed as error:
                if not extender.is_ignorable:
                    raise
                _log.warning("%s; ignored", error)
        return candidates

    async def bind(self, cycle: Cycle, node: str) -> bool:
        """Whether one of them has bound the pod."""
        for extender in self._concerned(cycle.pod):
            if not extender.binds:
                continue
            try:
                await extender.bind(cycle.pod, node)
            except ExtenderFailed as error:
                if not extender.is_ignorable:
                    raise
                _log.warning("%s; ignored", error)
                continue
            return True
        return False

    async def close(self) -> None:
        for extender in self._all:
            await extender.close()

    def _concerned(self, pod: Pod) -> Iterable[Extender]:
        return (extender for extender in self._all if extender.is_concerned(pod))


def _candidate(node: str, uids: Sequence[str], broken: int, pods_on: PodsOn) -> Candidate:
    known = {pod.uid: pod for pod in pods_on(node)}
    if unknown := [uid for uid in uids if uid not in known]:
        raise ExtenderFailed(f"an extender wants pod {unknown[0]} to go, which is not on node {node}")
    if not uids:
        raise ExtenderFailed(f"an extender names node {node}, and no pod that should go")
    return Candidate.of(node, [known[uid] for uid in uids], broken)
