"""Move finished pods into the Job's counters exactly once, whatever fails in between.

First the UIDs of finished pods go into `status.uncountedTerminatedPods`, then the pods lose their finalizer, then the
UIDs become numbers. A pod with a finalizer is not counted; one without is in the list or in the numbers. Successes of
Indexed Jobs need no list: the index itself is the record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, status_of, uid_of
from cloudk8s.controllers.job import indexes
from cloudk8s.controllers.job.pods import is_failed
from cloudk8s.controllers.job.policies import judge
from cloudk8s.controllers.pods import phase

MOST = 500
"""UIDs that the list may hold: the object must not grow without bound."""


@dataclass(slots=True)
class Ledger:
    """The counters of one Job while it is reconciled; `status` is the reconciliation's own copy."""

    job: Object
    status: dict[str, Any]
    completions: int | None
    """Number of indexes; None for Jobs that are not Indexed."""
    completed: set[int] = field(default_factory=set)
    """Indexes that are recorded as completed."""

    @property
    def succeeded(self) -> list[str]:
        """UIDs of succeeded pods on the list."""
        return list(self._lists().get("succeeded") or ())

    @property
    def failed(self) -> list[str]:
        """UIDs of failed pods on the list."""
        return list(self._lists().get("failed") or ())

    def settle(self, held: set[str]) -> None:
        """Turn the UIDs of pods that have lost their finalizer into numbers; `held` are those that have it."""
        succeeded, failed = self.succeeded, self.failed
        self._count("succeeded", sum(uid not in held for uid in succeeded))
        self._count("failed", sum(uid not in held for uid in failed))
        self._set([uid for uid in succeeded if uid in held], [uid for uid in failed if uid in held])

    def record(
        self, pods: Sequence[Object], *, is_over: bool, is_failing: bool, may_go: Callable[[Object], bool]
    ) -> tuple[list[Object], bool]:
        """Put finished pods on the list; returns those that may lose their finalizer and whether some had no room.

        All of `pods` hold the finalizer.
        `is_over`: the Job has come to its end, so pods that still run are let go; as failures if `is_failing`.
        """
        ordered = sorted(pods, key=lambda pod: indexes.index_of(pod) or 0) if self.completions is not None else pods
        succeeded, failed = dict.fromkeys(self.succeeded), dict.fromkeys(self.failed)
        new_indexes = 0
        free: list[Object] = []
        for pod in ordered:
            counts_failed = is_failed(self.job, pod)
            is_done = phase(pod) == "Succeeded" or (counts_failed and may_go(pod))
            if not (is_done or is_over or is_deleting(self.job)):
                continue
            free.append(pod)
            if phase(pod) == "Succeeded" and uid_of(pod) not in failed:
                new_indexes += self._record_success(pod, succeeded)
            elif counts_failed or is_failing:
                self._record_failure(pod, failed)
            if new_indexes + len(succeeded) + len(failed) >= MOST:
                self._set(list(succeeded), list(failed))
                return free, True
        self._set(list(succeeded), list(failed))
        return free, False

    def _record_success(self, pod: Object, succeeded: dict[str, None]) -> int:
        if self.completions is None:
            succeeded[uid_of(pod)] = None
            return 0
        index = indexes.index_of(pod)
        if index is None or index >= self.completions or index in self.completed:
            return 0
        self.completed.add(index)
        return 1

    def _record_failure(self, pod: Object, failed: dict[str, None]) -> None:
        index = indexes.index_of(pod)
        if self.completions is not None and (index is None or index >= self.completions):
            return
        if judge(self.job, pod).is_counted:
            failed[uid_of(pod)] = None

    def write_indexes(self, failed: set[int] | None) -> None:
        """Write the indexes of an Indexed Job into its status."""
        if self.completions is None:
            return
        if self.completed:
            self.status["completedIndexes"] = indexes.format(self.completed)
            self.status["succeeded"] = len(self.completed)
        else:
            self.status.pop("completedIndexes", None)
            self.status.pop("succeeded", None)
        if failed is not None:
            self.status["failedIndexes"] = indexes.format(failed)

    def _lists(self) -> dict[str, list[str]]:
        return self.status.get("uncountedTerminatedPods") or {}

    def _set(self, succeeded: list[str], failed: list[str]) -> None:
        lists = {"succeeded": succeeded, "failed": failed}
        self.status["uncountedTerminatedPods"] = {name: uids for name, uids in lists.items() if uids}

    def _count(self, field: str, more: int) -> None:
        if more:
            self.status[field] = int(self.status.get(field) or 0) + more


def uncounted(job: Object) -> tuple[set[str], set[str]]:
    """UIDs of succeeded and failed pods that a Job's status still lists."""
    lists = status_of(job).get("uncountedTerminatedPods") or {}
    return set(lists.get("succeeded") or ()), set(lists.get("failed") or ())
