"""How many pods a Job should have: which are too many, and which are missing. Nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cloudk8s.client.interface import Object
from cloudk8s.controllers.job import indexes
from cloudk8s.controllers.job.backoff import delay
from cloudk8s.controllers.job.memory import Reminder
from cloudk8s.controllers.job.pods import failure_counts, finish_time, new_pod, replaces_only_failed
from cloudk8s.controllers.job.policies import judge
from cloudk8s.controllers.job.tally import Tally
from cloudk8s.controllers.pod_ranking import pods_to_delete
from cloudk8s.controllers.pods import is_ready, is_terminating

BURST = 500
"""Pods that one reconciliation creates or deletes at most."""


@dataclass(frozen=True, slots=True)
class Staffing:
    """What one reconciliation would change; `active` are the Job's running pods."""

    tally: Tally
    active: list[Object]
    reminder: Reminder
    now: datetime

    def surplus(self) -> list[Object]:
        """Pods that must go: two of one index, indexes that are not wanted (any more), then as many as are too many."""
        if self.tally.is_suspended:
            return self.active[:BURST]
        count = max(0, len(self.active) - self._wanted())
        doomed, left = self._unwanted_indexes() if self.tally.indexes is not None else ([], self.active)
        if len(doomed) < count:
            doomed += pods_to_delete(left, [], count - len(doomed), self.now)
        return doomed[:BURST]

    def missing(self) -> list[Object]:
        """Pods to create now."""
        wanted = 0 if self.tally.is_suspended else self._wanted()
        terminating = self.tally.terminating() if replaces_only_failed(self.tally.job) else 0
        count = min(wanted - terminating - len(self.active), BURST)
        if count <= 0 or (not self.tally.fails_by_index and self._must_wait()):
            return []
        return self._new_pods(count)

    def _wanted(self) -> int:
        """How many pods should run."""
        parallelism, succeeded = self.tally.number("parallelism", 1), self.tally.succeeded()
        if self.tally.completions is None:
            return len(self.active) if succeeded else parallelism
        failed = len(self.tally.failed_indexes() or ())
        return max(0, min(parallelism, self.tally.completions - succeeded - failed))

    def _unwanted_indexes(self) -> tuple[list[Object], list[Object]]:
        doomed: list[Object] = []
        keepers: dict[int, Object] = {}
        for pod in sorted(
            self.active, key=lambda pod: (not is_ready(pod), pod["metadata"].get("creationTimestamp", ""))
        ):
            index = indexes.index_of(pod)
            if index is None or index >= (self.tally.indexes or 0) or index in keepers:
                doomed.append(pod)
            else:
                keepers[index] = pod
        return doomed, list(keepers.values())

    def _must_wait(self) -> bool:
        left = self.tally.memory.backoff.left(self.now)
        if left > timedelta(0):
            self.reminder.look_again(left)
        return left > timedelta(0)

    def _new_pods(self, count: int) -> list[Object]:
        job, completions = self.tally.job, self.tally.indexes
        if completions is None:
            return [new_pod(job, None, None) for _ in range(count)]
        taken = {indexes.index_of(pod) for pod in self.active} | self.tally.succeeded_indexes()
        failed = self.tally.failed_indexes()
        if replaces_only_failed(job):
            taken |= {indexes.index_of(pod) for pod in self.tally.pods if is_terminating(pod)}
        taken_indexes = {index for index in taken | (failed or set()) if index is not None}
        if failed is None:
            return [new_pod(job, index, None) for index in indexes.pending(taken_indexes, count, completions)]
        return self._independent_pods(completions, taken_indexes, count)

    def _independent_pods(self, completions: int, taken: set[int], count: int) -> list[Object]:
        """Pods of indexes that each wait for themselves after their own failures."""
        last = self.tally.last_failures()
        made: list[Object] = []
        for index in indexes.pending(taken, completions, completions):
            if len(made) == count:
                break
            failures = self._failures_after(last.get(index))
            if failures is not None:
                made.append(new_pod(self.tally.job, index, failures))
        return made

    def _failures_after(self, pod: Object | None) -> tuple[int, int] | None:
        """What a new pod says of the failures of its index before it; None if it is too early for one."""
        if pod is None:
            return 0, 0
        counted, ignored = failure_counts(pod)
        is_ignored = not judge(self.tally.job, pod).is_counted
        failures = (counted, ignored + 1) if is_ignored else (counted + 1, ignored)
        left = finish_time(pod, self.now) + delay(sum(failures)) - self.now
        if left > timedelta(0):
            self.reminder.look_again(left)
            return None
        return failures
