"""One reconciliation of one Job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import (
    finalizers_of,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    resource_version_of,
    spec_of,
    status_of,
    uid_of,
)
from cloudk8s.client.resources import JOBS, PODS
from cloudk8s.controllers import conditions
from cloudk8s.controllers.batches import all_of, slow_start
from cloudk8s.controllers.expectations import Expectations
from cloudk8s.controllers.job import indexes
from cloudk8s.controllers.job.accounting import Ledger, uncounted
from cloudk8s.controllers.job.backoff import Record, delay
from cloudk8s.controllers.job.pods import (
    FINALIZER,
    failure_counts,
    finish_time,
    is_failed,
    is_tracked,
    new_pod,
    replaces_only_failed,
    restarts,
)
from cloudk8s.controllers.job.policies import judge, success_rule
from cloudk8s.controllers.pod_ranking import pods_to_delete
from cloudk8s.controllers.pods import (
    is_active,
    is_namespace_terminating,
    is_ready,
    is_terminating,
    phase,
)
from cloudk8s.errors import NotFound, StatusError
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_time, parse_time

BURST = 500


@dataclass(slots=True)
class Memory:
    """What the controller remembers of a Job between reconciliations; losing it costs a retry too early."""

    backoff: Record = field(default_factory=Record)
    seen: set[str] = field(default_factory=set)
    """UIDs of finished pods that `backoff` has in it."""
    released: set[str] = field(default_factory=set)
    """UIDs of pods whose finalizer was removed, until the cache shows it."""
    version: int = 0
    """The Job's version that was written last: an older one in the cache must not be acted on."""


@dataclass(slots=True)
class JobSync:
    """See the module. `pods` are all pods of the Job, in whatever state."""

    client: Client
    clock: Clock
    events: EventRecorder
    expectations: Expectations
    memory: Memory
    job: Object
    pods: Sequence[Object]
    status: dict[str, Any] = field(default_factory=dict)
    now: datetime = field(init=False)
    ending: dict[str, Any] | None = field(default=None)
    """The condition that the Job is about to end with, FailureTarget or SuccessCriteriaMet."""
    wait: timedelta | None = field(default=None)

    async def run(self) -> timedelta | None:
        """Do what can be done now; returns when to look again."""
        self.now = self.clock.now()
        self.status = dict(status_of(self.job))
        self.memory.released &= {uid_of(pod) for pod in self.pods if is_tracked(pod)}
        ledger = self._ledger()
        self._start()
        self._count_backoff()
        self.ending = self._ending(ledger)
        error = await self._act(ledger)
        await self._account(ledger)
        if error is not None:
            raise error
        return self.wait

    # What the Job wants

    @property
    def _is_suspended(self) -> bool:
        return bool(spec_of(self.job).get("suspend"))

    @property
    def _is_indexed(self) -> bool:
        return spec_of(self.job).get("completionMode") == "Indexed"

    @property
    def _completions(self) -> int | None:
        value = spec_of(self.job).get("completions")
        return None if value is None else int(value)

    def _spec_int(self, field: str, default: int) -> int:
        value = spec_of(self.job).get(field)
        return default if value is None else int(value)

    # How it stands

    def _is_held(self, pod: Object) -> bool:
        """Whether the pod is still to be counted, also where the cache does not show yet that it was."""
        return is_tracked(pod) and uid_of(pod) not in self.memory.released

    def _ledger(self) -> Ledger:
        completions = (self._completions or 0) if self._is_indexed else None
        completed = indexes.parse(self.status.get("completedIndexes", ""), completions or 0)
        return Ledger(self.job, self.status, completions, completed)

    def _active(self) -> list[Object]:
        return [pod for pod in self.pods if is_active(pod)]

    def _succeeded(self, ledger: Ledger) -> int:
        if ledger.completions is not None:
            return len(self._succeeded_indexes(ledger))
        listed = uncounted(self.job)[0]
        fresh = [pod for pod in self._fresh_successes() if uid_of(pod) not in listed]
        return int(self.status.get("succeeded") or 0) + len(listed) + len(fresh)

    def _succeeded_indexes(self, ledger: Ledger) -> set[int]:
        fresh = map(indexes.index_of, self._fresh_successes())
        return ledger.completed | {i for i in fresh if i is not None and i < (ledger.completions or 0)}

    def _fresh_successes(self) -> list[Object]:
        """Pods that are to be counted as successes; one that was deleted may be listed as a failure already."""
        failed = uncounted(self.job)[1]
        return [p for p in self.pods if phase(p) == "Succeeded" and self._is_held(p) and uid_of(p) not in failed]

    def _failed(self) -> int:
        listed = uncounted(self.job)[1]
        fresh = [
            pod
            for pod in self.pods
            if self._is_held(pod) and uid_of(pod) not in listed and is_failed(self.job, pod)
            and judge(self.job, pod).is_counted
        ]  # fmt: skip
        return int(self.status.get("failed") or 0) + len(listed) + len(fresh)

    def _failed_indexes(self, ledger: Ledger) -> set[int] | None:
        """Indexes that have failed for good; None where indexes do not fail by themselves."""
        limit = spec_of(self.job).get("backoffLimitPerIndex")
        if limit is None or ledger.completions is None:
            return None
        found = indexes.parse(self.status.get("failedIndexes", ""), ledger.completions)
        for index, pod in self._last_failures().items():
            verdict = judge(self.job, pod)
            if verdict.action == "FailIndex" or (verdict.is_counted and failure_counts(pod)[0] >= int(limit)):
                found.add(index)
        return found

    def _last_failures(self) -> Mapping[int, Object]:
        """The failed pod of each index that had the most failures before it; it is kept until it is replaced."""
        found: dict[int, Object] = {}
        for pod in self.pods:
            index = indexes.index_of(pod)
            if index is None or not self._is_held(pod) or not is_failed(self.job, pod):
                continue
            if index not in found or sum(failure_counts(pod)) > sum(failure_counts(found[index])):
                found[index] = pod
        return found

    # Beginning and end

    def _start(self) -> None:
        if not self.status.get("startTime") and not self._is_suspended:
            self.status["startTime"] = format_time(self.now)

    def _count_backoff(self) -> None:
        fresh = [pod for pod in self.pods if self._is_held(pod) and uid_of(pod) not in self.memory.seen]
        succeeded = [pod for pod in fresh if phase(pod) == "Succeeded"]
        failed = [pod for pod in fresh if is_failed(self.job, pod)]
        self.memory.seen = {uid_of(p) for p in self.pods} & self.memory.seen | {uid_of(p) for p in succeeded + failed}
        self.memory.backoff = self.memory.backoff.after(
            [finish_time(pod, self.now) for pod in succeeded], [finish_time(pod, self.now) for pod in failed]
        )

    def _ending(self, ledger: Ledger) -> dict[str, Any] | None:
        """Why the Job is over, if it is: what was said before stands."""
        for type in ("SuccessCriteriaMet", "FailureTarget"):
            said = conditions.find(self.status.get("conditions"), type)
            if said is not None and said.get("status") == "True":
                return dict(said)
        return self._failure(ledger) or self._success_by_policy(ledger)

    def _failure(self, ledger: Ledger) -> dict[str, Any] | None:
        for pod in self.pods if spec_of(self.job).get("podFailurePolicy") else ():
            if is_failed(self.job, pod) and (verdict := judge(self.job, pod)).action == "FailJob":
                return self._condition("FailureTarget", "PodFailurePolicy", verdict.message)
        limit = self._spec_int("backoffLimit", 6)
        if self._failed() > limit or self._restarts_exceed(limit):
            message = "Job has reached the specified backoff limit"
            return self._condition("FailureTarget", "BackoffLimitExceeded", message)
        if self._deadline_is_over():
            message = "Job was active longer than specified deadline"
            return self._condition("FailureTarget", "DeadlineExceeded", message)
        return self._failure_of_indexes(ledger)

    def _failure_of_indexes(self, ledger: Ledger) -> dict[str, Any] | None:
        failed = self._failed_indexes(ledger)
        if not failed:
            return None
        most = spec_of(self.job).get("maxFailedIndexes")
        if most is not None and len(failed) > int(most):
            message = "Job has exceeded the specified maximal number of failed indexes"
            return self._condition("FailureTarget", "MaxFailedIndexesExceeded", message)
        if len(failed) + len(self._succeeded_indexes(ledger)) >= (ledger.completions or 0):
            return self._condition("FailureTarget", "FailedIndexes", "Job has failed indexes")
        return None

    def _success_by_policy(self, ledger: Ledger) -> dict[str, Any] | None:
        if ledger.completions is None:
            return None
        rule = success_rule(self.job, self._succeeded_indexes(ledger), ledger.completions)
        if rule is None:
            return None
        return self._condition("SuccessCriteriaMet", "SuccessPolicy", f"Matched rules at index {rule}")

    def _restarts_exceed(self, limit: int) -> bool:
        """For pods that start their containers again themselves, restarts are what is limited."""
        if (spec_of(self.job)["template"]["spec"]).get("restartPolicy") != "OnFailure":
            return False
        total = sum(restarts(pod) for pod in self.pods if phase(pod) in ("Running", "Pending"))
        return total > 0 if limit == 0 else total >= limit

    def _deadline_is_over(self) -> bool:
        seconds, started = spec_of(self.job).get("activeDeadlineSeconds"), self.status.get("startTime")
        if seconds is None or not started or self._is_suspended:
            return False
        left = parse_time(started) + timedelta(seconds=int(seconds)) - self.now
        if left <= timedelta(0):
            return True
        self._look_again(left)
        return False

    def _condition(self, type: str, reason: str, message: str) -> dict[str, Any]:
        stamp = format_time(self.now)
        times = {"lastProbeTime": stamp, "lastTransitionTime": stamp}
        return {"type": type, "status": "True", **times, "reason": reason, "message": message}

    # Doing

    async def _act(self, ledger: Ledger) -> Exception | None:
        """Create or delete pods; sets the numbers of running ones. Returns what went wrong."""
        active = self._active()
        if self.ending is not None:
            gone, error = await self._delete(active)
            self._set_running([pod for pod in active if uid_of(pod) not in gone], 0)
            return error
        if not self.expectations.satisfied(key_of(self.job)) or is_deleting(self.job):
            self._set_running(active, 0)
            self._finish_if_complete(ledger, len(active))
            return None
        gone, created, error = await self._manage(ledger, active)
        left = [pod for pod in active if uid_of(pod) not in gone]
        self._set_running(left, created)
        if not self._finish_if_complete(ledger, len(left) + created):
            self._note_suspension()
        return error

    async def _manage(self, ledger: Ledger, active: list[Object]) -> tuple[set[str], int, Exception | None]:
        """UIDs of deleted pods, how many were created, and what went wrong."""
        wanted = 0 if self._is_suspended else self._wanted(ledger, len(active))
        doomed = self._surplus(active, max(0, len(active) - wanted), ledger)
        if doomed:
            gone, error = await self._dismiss(doomed[:BURST])
            return gone, 0, error
        terminating = sum(is_terminating(pod) for pod in self.pods) if replaces_only_failed(self.job) else 0
        missing = min(wanted - terminating - len(active), BURST)
        if missing <= 0:
            return set(), 0, None
        created, error = await self._create(ledger, active, missing)
        return set(), created, error

    def _wanted(self, ledger: Ledger, active: int) -> int:
        """How many pods should run."""
        parallelism, succeeded = self._spec_int("parallelism", 1), self._succeeded(ledger)
        if self._completions is None:
            return active if succeeded else parallelism
        failed = len(self._failed_indexes(ledger) or ())
        return max(0, min(parallelism, self._completions - succeeded - failed))

    def _surplus(self, active: list[Object], count: int, ledger: Ledger) -> list[Object]:
        """Pods that must go: two of one index, indexes that are not wanted (any more), then as many as are too many."""
        if self._is_suspended:
            return active
        doomed, left = self._unwanted_indexes(active, ledger) if ledger.completions is not None else ([], active)
        if len(doomed) < count:
            doomed += pods_to_delete(left, [], count - len(doomed), self.now)
        return doomed

    def _unwanted_indexes(self, active: list[Object], ledger: Ledger) -> tuple[list[Object], list[Object]]:
        doomed: list[Object] = []
        keepers: dict[int, Object] = {}
        for pod in sorted(active, key=lambda pod: (not is_ready(pod), pod["metadata"].get("creationTimestamp", ""))):
            index = indexes.index_of(pod)
            if index is None or index >= (ledger.completions or 0) or index in keepers:
                doomed.append(pod)
            else:
                keepers[index] = pod
        return doomed, list(keepers.values())

    async def _create(self, ledger: Ledger, active: list[Object], count: int) -> tuple[int, Exception | None]:
        if spec_of(self.job).get("backoffLimitPerIndex") is None and self._must_wait():
            return 0, None
        pods = self._new_pods(ledger, active, count)
        if not pods:
            return 0, None
        key = key_of(self.job)
        self.expectations.expect_creations(key, len(pods))
        succeeded, error = await slow_start(pods, self._create_pod)
        self.expectations.created(key, len(pods) - succeeded)
        if isinstance(error, StatusError) and is_namespace_terminating(error):
            error = None
        return succeeded, error

    def _must_wait(self) -> bool:
        left = self.memory.backoff.left(self.now)
        if left > timedelta(0):
            self._look_again(left)
        return left > timedelta(0)

    def _new_pods(self, ledger: Ledger, active: list[Object], count: int) -> list[Object]:
        if ledger.completions is None:
            return [new_pod(self.job, None, None) for _ in range(count)]
        taken = {indexes.index_of(pod) for pod in active} | self._succeeded_indexes(ledger)
        failed = self._failed_indexes(ledger)
        if replaces_only_failed(self.job):
            taken |= {indexes.index_of(pod) for pod in self.pods if is_terminating(pod)}
        taken_indexes = {index for index in taken | (failed or set()) if index is not None}
        if failed is None:
            found = indexes.pending(taken_indexes, count, ledger.completions)
            return [new_pod(self.job, index, None) for index in found]
        return self._independent_pods(ledger.completions, taken_indexes, count)

    def _independent_pods(self, completions: int, taken: set[int], count: int) -> list[Object]:
        """Pods of indexes that each wait for themselves after their own failures."""
        last = self._last_failures()
        made: list[Object] = []
        for index in indexes.pending(taken, completions, completions):
            if len(made) == count:
                break
            failures, pod = (0, 0), last.get(index)
            if pod is not None:
                is_ignored = not judge(self.job, pod).is_counted
                counted, ignored = failure_counts(pod)
                failures = (counted, ignored + 1) if is_ignored else (counted + 1, ignored)
                left = finish_time(pod, self.now) + delay(sum(failures)) - self.now
                if left > timedelta(0):
                    self._look_again(left)
                    continue
            made.append(new_pod(self.job, index, failures))
        return made

    async def _create_pod(self, pod: Object) -> None:
        try:
            made = await self.client.create(PODS, pod, namespace=namespace_of(self.job))
        except StatusError as error:
            if not is_namespace_terminating(error):
                self.events.warning(self.job, "FailedCreate", f"Error creating: {error.message}")
            raise
        self.events.normal(self.job, "SuccessfulCreate", f"Created pod: {name_of(made)}")

    async def _dismiss(self, pods: Sequence[Object]) -> tuple[set[str], Exception | None]:
        """Delete pods that did nothing wrong: they lose their finalizer first, so that they are not counted.

        A pod that has changed since it was seen keeps it: it may have finished, and then it counts.
        """
        self.expectations.expect_deletions(key_of(self.job), [uid_of(pod) for pod in pods])
        failed = await all_of(pods, self._release_unchanged)
        gone, error = await self._delete([pod for pod in pods if uid_of(pod) in self.memory.released])
        for pod in pods:
            if uid_of(pod) not in gone:
                self.expectations.deleted(key_of(self.job), uid_of(pod))
        return gone, failed[0] if failed else error

    async def _delete(self, pods: Sequence[Object]) -> tuple[set[str], Exception | None]:
        """UIDs of the pods that were deleted, and what went wrong."""
        gone: set[str] = set()

        async def delete(pod: Object) -> None:
            try:
                await self.client.delete(PODS, name_of(pod), namespace=namespace_of(pod))
            except NotFound:
                gone.add(uid_of(pod))
            except StatusError as error:
                self.events.warning(self.job, "FailedDelete", f"Error deleting: {error.message}")
                raise
            else:
                gone.add(uid_of(pod))
                self.events.normal(self.job, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

        failed = await all_of(pods, delete) if pods else None
        return gone, failed[0] if failed else None

    def _finish_if_complete(self, ledger: Ledger, active: int) -> bool:
        succeeded = self._succeeded(ledger)
        is_enough = succeeded > 0 if self._completions is None else succeeded >= self._completions
        if not is_enough or active:
            return False
        message = "Reached expected number of succeeded pods"
        self.ending = self._condition("SuccessCriteriaMet", "CompletionsReached", message)
        return True

    def _note_suspension(self) -> None:
        said = conditions.find(self.status.get("conditions"), "Suspended")
        was_suspended = said is not None and said.get("status") == "True"
        if self._is_suspended and not was_suspended:
            self._say(self._condition("Suspended", "JobSuspended", "Job suspended"))
            self.events.normal(self.job, "Suspended", "Job suspended")
        elif was_suspended and not self._is_suspended:
            self._say({**self._condition("Suspended", "JobResumed", "Job resumed"), "status": "False"})
            self.status["startTime"] = format_time(self.now)
            self.events.normal(self.job, "Resumed", "Job resumed")
            self._look_again(timedelta(0))

    def _set_running(self, active: Sequence[Object], created: int) -> None:
        count = len(active) + created
        if count:
            self.status["active"] = count
        else:
            self.status.pop("active", None)
        self.status["ready"] = sum(is_ready(pod) for pod in active)
        deleted = len(self._active()) - len(active)
        self.status["terminating"] = sum(is_terminating(pod) for pod in self.pods) + deleted

    # Accounting

    async def _account(self, ledger: Ledger) -> None:
        failed_indexes = self._failed_indexes(ledger)
        held = {uid_of(pod) for pod in self.pods if self._is_held(pod)}
        ledger.settle(held)
        is_failing = self.ending is not None and self.ending["type"] == "FailureTarget"
        free, has_more = ledger.record(
            [pod for pod in self.pods if self._is_held(pod)],
            is_over=self.ending is not None,
            is_failing=is_failing,
            may_go=self._may_go(ledger),
        )
        ledger.write_indexes(failed_indexes)
        if self.ending is not None and not has_more:
            self._say(self.ending)
        await self._flush()
        failed = await all_of(free, self._release) if free else None
        ledger.settle({uid_of(pod) for pod in self.pods if self._is_held(pod)})
        if not has_more and not ledger.succeeded and not ledger.failed:
            self._end()
        await self._flush()
        if failed:
            raise failed[0]
        if has_more:
            self._look_again(timedelta(0))

    def _may_go(self, ledger: Ledger) -> Any:
        """Whether a failed pod may be forgotten: the last failure of an index is needed until it is replaced."""
        if spec_of(self.job).get("backoffLimitPerIndex") is None or self.ending is not None:
            return lambda pod: True
        last = {uid_of(pod) for pod in self._last_failures().values()}
        done = self._succeeded_indexes(ledger) | (self._failed_indexes(ledger) or set())
        active = {indexes.index_of(pod) for pod in self._active()}
        return lambda pod: uid_of(pod) not in last or indexes.index_of(pod) in done | active

    async def _release(self, pod: Object) -> None:
        await release(self.client, pod)
        self.memory.released.add(uid_of(pod))

    async def _release_unchanged(self, pod: Object) -> None:
        await release(self.client, pod, only_unchanged=True)
        self.memory.released.add(uid_of(pod))

    def _end(self) -> None:
        """Say for good how the Job ended, once no pod of it is left running or on its way out."""
        if self.ending is None or self.status.get("active") or self.status.get("terminating"):
            return
        type = "Complete" if self.ending["type"] == "SuccessCriteriaMet" else "Failed"
        final = self._condition(type, self.ending.get("reason", ""), self.ending.get("message", ""))
        self._say(final)
        if type == "Complete":
            self.status["completionTime"] = format_time(self.now)
            self.events.normal(self.job, "Completed", "Job completed")
        else:
            self.events.warning(self.job, final["reason"], final["message"])

    def _say(self, condition: Mapping[str, Any]) -> None:
        self.status["conditions"] = conditions.with_condition(self.status.get("conditions"), condition)

    async def _flush(self) -> None:
        if self.status != status_of(self.job):
            changed = {**self.job, "status": dict(self.status)}
            self.job = await self.client.update(JOBS, changed, subresource="status")
            self.memory.version = version_of(self.job)

    def _look_again(self, after: timedelta) -> None:
        self.wait = after if self.wait is None else min(self.wait, after)


def version_of(job: Object) -> int:
    """The Job's version as a number; 0 where the server's are not numbers."""
    text = resource_version_of(job)
    return int(text) if text.isdigit() else 0


async def release(client: Client, pod: Object, *, only_unchanged: bool = False) -> None:
    """Take the finalizer off a pod. Raises Conflict if the pod should be, and is not, as it was seen."""
    if FINALIZER not in finalizers_of(pod):
        return
    metadata: dict[str, Any] = {"uid": uid_of(pod), "$deleteFromPrimitiveList/finalizers": [FINALIZER]}
    if only_unchanged:
        metadata["resourceVersion"] = resource_version_of(pod)
    patch = {"metadata": metadata}
    try:
        await client.patch(PODS, name_of(pod), patch, namespace=namespace_of(pod), type="strategic")
    except NotFound:
        return
