"""How a Job stands: what it wants, and how many of its pods run, have succeeded and have failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, uid_of
from cloudk8s.controllers.job import indexes
from cloudk8s.controllers.job.accounting import Ledger, uncounted
from cloudk8s.controllers.job.memory import Memory
from cloudk8s.controllers.job.pods import failure_counts, is_failed, is_tracked, restarts
from cloudk8s.controllers.job.policies import judge
from cloudk8s.controllers.pods import is_active, is_terminating, phase


@dataclass(frozen=True, slots=True)
class Tally:
    """One Job with all its pods, as one reconciliation found them; `ledger` and `memory` change meanwhile."""

    job: Object
    pods: Sequence[Object]
    memory: Memory
    ledger: Ledger

    # What the Job wants

    @property
    def is_suspended(self) -> bool:
        return bool(spec_of(self.job).get("suspend"))

    @property
    def completions(self) -> int | None:
        value = spec_of(self.job).get("completions")
        return None if value is None else int(value)

    @property
    def indexes(self) -> int | None:
        """How many indexes an Indexed Job has; None for others."""
        return self.ledger.completions

    @property
    def fails_by_index(self) -> bool:
        """Whether indexes fail by themselves."""
        return spec_of(self.job).get("backoffLimitPerIndex") is not None

    def number(self, field: str, default: int) -> int:
        """A number of the Job's spec."""
        value = spec_of(self.job).get(field)
        return default if value is None else int(value)

    # How it stands

    def is_held(self, pod: Object) -> bool:
        """Whether the pod is still to be counted, also where the cache does not show yet that it was."""
        return is_tracked(pod) and uid_of(pod) not in self.memory.released

    def held(self) -> list[Object]:
        """Pods that are still to be counted."""
        return [pod for pod in self.pods if self.is_held(pod)]

    def active(self) -> list[Object]:
        return [pod for pod in self.pods if is_active(pod)]

    def terminating(self) -> int:
        return sum(is_terminating(pod) for pod in self.pods)

    def succeeded(self) -> int:
        if self.indexes is not None:
            return len(self.succeeded_indexes())
        listed = uncounted(self.job)[0]
        fresh = [pod for pod in self._fresh_successes() if uid_of(pod) not in listed]
        return int(self._status.get("succeeded") or 0) + len(listed) + len(fresh)

    def succeeded_indexes(self) -> set[int]:
        fresh = map(indexes.index_of, self._fresh_successes())
        return self.ledger.completed | {i for i in fresh if i is not None and i < (self.indexes or 0)}

    def failed(self) -> int:
        listed = uncounted(self.job)[1]
        fresh = [
            pod
            for pod in self.held()
            if uid_of(pod) not in listed and is_failed(self.job, pod) and judge(self.job, pod).is_counted
        ]
        return int(self._status.get("failed") or 0) + len(listed) + len(fresh)

    def failed_indexes(self) -> set[int] | None:
        """Indexes that have failed for good; None where indexes do not fail by themselves."""
        if not self.fails_by_index or self.indexes is None:
            return None
        limit = self.number("backoffLimitPerIndex", 0)
        found = indexes.parse(self._status.get("failedIndexes", ""), self.indexes)
        for index, pod in self.last_failures().items():
            verdict = judge(self.job, pod)
            if verdict.action == "FailIndex" or (verdict.is_counted and failure_counts(pod)[0] >= limit):
                found.add(index)
        return found

    def last_failures(self) -> Mapping[int, Object]:
        """The failed pod of each index that had the most failures before it; it is kept until it is replaced."""
        found: dict[int, Object] = {}
        for pod in self.held():
            index = indexes.index_of(pod)
            if index is None or not is_failed(self.job, pod):
                continue
            if index not in found or sum(failure_counts(pod)) > sum(failure_counts(found[index])):
                found[index] = pod
        return found

    def restarts(self) -> int:
        """How often pods that are not over have started containers again."""
        return sum(restarts(pod) for pod in self.pods if phase(pod) in ("Running", "Pending"))

    @property
    def _status(self) -> dict[str, Any]:
        return self.ledger.status

    def _fresh_successes(self) -> list[Object]:
        """Pods that are to be counted as successes; one that was deleted may be listed as a failure already."""
        failed = uncounted(self.job)[1]
        return [pod for pod in self.held() if phase(pod) == "Succeeded" and uid_of(pod) not in failed]
