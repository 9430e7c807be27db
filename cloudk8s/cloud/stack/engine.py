"""The whole way for one owner: observe, plan, apply; once, or until it is as wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.cloud.stack.applying import apply, new_caller
from cloudk8s.cloud.stack.execution import Caller
from cloudk8s.cloud.stack.interface import Observation, ResourceType, Scope
from cloudk8s.cloud.stack.journal import Journal, MemoryJournal
from cloudk8s.cloud.stack.observing import observe
from cloudk8s.cloud.stack.outcome import Outcome
from cloudk8s.cloud.stack.pace import Pace
from cloudk8s.cloud.stack.plan import Plan
from cloudk8s.cloud.stack.planning import make_plan
from cloudk8s.cloud.stack.resource import Owner, Stack
from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.errors import CloudError

Report = Callable[[Plan, Outcome], None]


@dataclass(frozen=True, slots=True)
class Engine:
    """The resource types of one cloud and how to call them. Stateless but for the journal; safe to share by threads."""

    types: Sequence[ResourceType]
    journal: Journal = field(default_factory=MemoryJournal)
    pace: Pace = field(default_factory=Pace)
    retries: Retries = field(default_factory=Retries)
    concurrency: int = 8
    tags: Mapping[str, str] = field(default_factory=dict)
    """Put on everything that is made, beside the ownership tags; those always win."""

    def observe(self, cluster: str, owner: str = "") -> Observation:
        """What a cluster, or one owner in it, has."""
        return observe(
            self.types, Scope(cluster, owner), journal=self.journal, retries=self.retries, concurrency=self.concurrency
        )

    def plan(self, stack: Stack, observation: Observation | None = None) -> Plan:
        """What `apply` would do now. Reads only."""
        return make_plan(stack, self._observation(stack.owner, observation), self.types)

    def apply(self, stack: Stack, observation: Observation | None = None) -> Outcome:
        """One pass; what it could not do yet is in the outcome."""
        found = self._observation(stack.owner, observation)
        return self._run(make_plan(stack, found, self.types), found)

    def delete(self, owner: Owner, observation: Observation | None = None) -> Outcome:
        """One pass at removing everything that the owner has."""
        return self.apply(Stack(owner), observation)

    def converge(self, stack: Stack, *, timeout: float, report: Report | None = None) -> Outcome:
        """Pass after pass until nothing is left to do or to wait for.

        Raises the last failure when `timeout` seconds have gone by, or at once where waiting can't help.
        """
        timer = self.retries.timer
        deadline, delay = timer.monotonic() + timeout, self.retries.first
        while True:
            found = self._observation(stack.owner, None)
            plan = make_plan(stack, found, self.types)
            outcome = self._run(plan, found)
            if report is not None:
                report(plan, outcome)
            if outcome.is_complete:
                return outcome
            pause = min(outcome.retry_after.total_seconds() if outcome.retry_after else delay, self.retries.most)
            if _is_final(outcome) or timer.monotonic() + pause > deadline:
                outcome.raise_for_failure()
            timer.pause(pause)
            delay = min(delay * 2, self.retries.most)

    def _run(self, plan: Plan, observation: Observation) -> Outcome:
        by_name = {kind.name: kind for kind in self.types}
        caller = Caller(
            plan.owner, by_name, journal=self.journal, pace=self.pace, retries=self.retries, extra_tags=self.tags
        )
        mine = observation.of(plan.owner.uid)
        return apply(plan, mine, new_caller(caller, mine), concurrency=self.concurrency)

    def _observation(self, owner: Owner, observation: Observation | None) -> Observation:
        return self.observe(owner.cluster, owner.uid) if observation is None else observation


def _is_final(outcome: Outcome) -> bool:
    from cloudk8s.cloud.stack.resource import StackError
    from cloudk8s.errors import CloudForbidden, QuotaExceeded, Unsupported

    def stops(error: CloudError) -> bool:
        return isinstance(error, (Unsupported, CloudForbidden, QuotaExceeded, StackError))

    return any(stops(error) for error in outcome.failures.values())


def summary(plan: Plan) -> dict[str, Any]:
    """A plan in numbers, for logs."""
    return {action: count for action, count in plan.counts.items() if count}
