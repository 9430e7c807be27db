"""Carry out a plan: independent steps at the same time, each after what it needs.

One failure stops what depends on it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from cloudk8s.cloud.stack.execution import Answer, Caller, pending
from cloudk8s.cloud.stack.interface import CreatesMany, DeletesMany, Observation, Observed, ResourceType
from cloudk8s.cloud.stack.outcome import Outcome
from cloudk8s.cloud.stack.plan import Action, Plan, Step
from cloudk8s.errors import CloudError, RetryLater


def apply(plan: Plan, observation: Observation, caller: Caller, *, concurrency: int = 8) -> Outcome:
    """Do the plan's steps. Never raises for what a cloud does; safe to stop at any point and to run again.

    With `concurrency` 1 the steps run in the plan's order in this thread.
    """
    progress = _Progress(plan, observation, caller)
    if plan.is_empty and not progress.waiting:
        return progress.outcome()
    if concurrency <= 1:
        while batch := progress.take():
            progress.finish(batch, caller.run(batch, progress.known.get))
        return progress.outcome()
    with ThreadPoolExecutor(concurrency, thread_name_prefix="apply") as pool:
        running: dict[Future[Mapping[str, Answer]], Sequence[Step]] = {}
        try:
            while True:
                while batch := progress.take():
                    running[pool.submit(caller.run, batch, dict(progress.known).get)] = batch
                if not running:
                    return progress.outcome()
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    progress.finish(running.pop(future), future.result())
        except BaseException:  # somebody stops it: calls under way end, and no other begins
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def new_caller(caller: Caller, observation: Observation) -> Caller:
    """The caller with the dead resources of an observation as predecessors."""
    dead: dict[str, tuple[str, ...]] = {}
    for entry in observation.of(caller.owner.uid).resources:
        if not entry.is_alive:
            dead[entry.key] = (*dead.get(entry.key, ()), entry.id)
    return replace(caller, predecessors=dead)


@dataclass(slots=True)
class _Progress:
    """Which steps are done, running, failed; used by one thread."""

    plan: Plan
    observation: Observation
    caller: Caller
    known: dict[str, Observed] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    failures: dict[str, CloudError] = field(default_factory=dict)
    waiting: dict[str, RetryLater] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    _open: dict[str, Step] = field(default_factory=dict)
    _settled: set[str] = field(default_factory=set)
    _deleted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for step in self.plan.steps:
            if step.action in ("keep", "wait") and step.observed is not None:
                self._note(step, step.observed)
                self._settled.add(step.name)
            else:
                if step.action == "update" and step.observed is not None:
                    self.known[step.key] = step.observed
                self._open[step.name] = step

    def take(self) -> Sequence[Step]:
        """Steps of one type and action whose needs are met; more than one only where the type takes many."""
        for name, step in list(self._open.items()):
            if blocked := self._blockers(step):
                if blocked & (self.failures.keys() | self.waiting.keys() | set(self.skipped)):
                    del self._open[name]
                    self.skipped.append(name)
                    return self.take()
                continue
            batch = [step, *self._companions(step)]
            for taken in batch:
                del self._open[taken.name]
            return batch
        return ()

    def finish(self, steps: Iterable[Step], answers: Mapping[str, Answer]) -> None:
        for step in steps:
            answer = answers[step.name]
            if isinstance(answer, RetryLater):
                self.waiting[step.name] = answer
            elif isinstance(answer, CloudError):
                self.failures[step.name] = answer
            else:
                self.done.append(step.name)
                self._settled.add(step.name)
                self._note(step, answer)

    def outcome(self) -> Outcome:
        replaced = {entry.id for entry in self.known.values()} | self._deleted
        kept = tuple(entry for entry in self.observation.resources if entry.id not in replaced)
        observation = Observation(kept + tuple(self.known.values()))
        return Outcome(observation, tuple(self.done), self.failures, self.waiting, tuple(self.skipped))

    def _note(self, step: Step, observed: Observed | None) -> None:
        if observed is None:
            if step.observed is not None:
                self._deleted.add(step.observed.id)
            return
        self.known[step.key] = observed
        if observed.state == "pending":
            self.waiting[step.name] = pending(observed)

    def _blockers(self, step: Step) -> set[str]:
        unmet = {name for name in step.after if name not in self._settled}
        gates = {name for name in step.after if name in self.waiting and self._gates(name)}
        return unmet | gates

    def _gates(self, name: str) -> bool:
        observed = self.known.get(name)
        return observed is not None and self.caller.types[observed.type].traits.blocks_until_ready

    def _companions(self, step: Step) -> list[Step]:
        if not _takes_many(self.caller.types[step.type], step.action):
            return []
        alike = (
            other
            for other in self._open.values()
            if other is not step and (other.type, other.action) == (step.type, step.action)
        )
        return [other for other in alike if not self._blockers(other)]


def _takes_many(kind: ResourceType, action: Action) -> bool:
    if action == "delete":
        return isinstance(kind, DeletesMany)
    return action in ("create", "replace") and isinstance(kind, CreatesMany)
