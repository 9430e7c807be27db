"""One reconciliation of one Job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import is_deleting, key_of, spec_of, status_of, uid_of, version_number_of
from cloudk8s.client.resources import JOBS
from cloudk8s.controllers import conditions
from cloudk8s.controllers.expectations import Expectations
from cloudk8s.controllers.job import ending, indexes
from cloudk8s.controllers.job.accounting import Ledger
from cloudk8s.controllers.job.memory import Memory, Reminder
from cloudk8s.controllers.job.pods import finish_time, is_failed, is_tracked
from cloudk8s.controllers.job.staffing import Staffing
from cloudk8s.controllers.job.tally import Tally
from cloudk8s.controllers.job.workforce import Workforce
from cloudk8s.controllers.pods import is_ready, phase
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_time


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
    ledger: Ledger = field(init=False)
    workforce: Workforce = field(init=False)
    reminder: Reminder = field(default_factory=Reminder)
    ending: ending.Condition | None = field(default=None)
    """The condition that the Job is about to end with, FailureTarget or SuccessCriteriaMet."""

    async def run(self) -> timedelta | None:
        """Do what can be done now; returns when to look again."""
        self.now = self.clock.now()
        self.status = dict(status_of(self.job))
        self.memory.released &= {uid_of(pod) for pod in self.pods if is_tracked(pod)}
        self.ledger = self._ledger()
        self.workforce = Workforce(self.client, self.events, self.expectations, self.memory, self.job)
        self._start()
        self._count_backoff()
        judgement = ending.Judgement(self._tally(), self.status, self.reminder, self.now)
        self.ending = ending.said_before(self.status) or judgement.ending()
        error = await self._act()
        await self._account()
        if error is not None:
            raise error
        return self.reminder.after

    def _tally(self) -> Tally:
        return Tally(self.job, self.pods, self.memory, self.ledger)

    def _ledger(self) -> Ledger:
        spec = spec_of(self.job)
        completions = int(spec.get("completions") or 0) if spec.get("completionMode") == "Indexed" else None
        completed = indexes.parse(self.status.get("completedIndexes", ""), completions or 0)
        return Ledger(self.job, self.status, completions, completed)

    # Beginning

    def _start(self) -> None:
        if not self.status.get("startTime") and not self._tally().is_suspended:
            self.status["startTime"] = format_time(self.now)

    def _count_backoff(self) -> None:
        fresh = [pod for pod in self._tally().held() if uid_of(pod) not in self.memory.seen]
        succeeded = [pod for pod in fresh if phase(pod) == "Succeeded"]
        failed = [pod for pod in fresh if is_failed(self.job, pod)]
        self.memory.seen = {uid_of(p) for p in self.pods} & self.memory.seen | {uid_of(p) for p in succeeded + failed}
        self.memory.backoff = self.memory.backoff.after(
            [finish_time(pod, self.now) for pod in succeeded], [finish_time(pod, self.now) for pod in failed]
        )

    # Doing

    async def _act(self) -> Exception | None:
        """Create or delete pods; sets the numbers of running ones. Returns what went wrong."""
        active = self._tally().active()
        if self.ending is not None:
            gone, error = await self.workforce.delete(active)
            self._set_running([pod for pod in active if uid_of(pod) not in gone], 0)
            return error
        if not self.expectations.satisfied(key_of(self.job)) or is_deleting(self.job):
            self._set_running(active, 0)
            self._finish_if_complete(len(active))
            return None
        gone, created, error = await self._manage(active)
        left = [pod for pod in active if uid_of(pod) not in gone]
        self._set_running(left, created)
        if not self._finish_if_complete(len(left) + created):
            self._note_suspension()
        return error

    async def _manage(self, active: list[Object]) -> tuple[set[str], int, Exception | None]:
        """UIDs of deleted pods, how many were created, and what went wrong."""
        staffing = Staffing(self._tally(), active, self.reminder, self.now)
        if doomed := staffing.surplus():
            gone, error = await self.workforce.dismiss(doomed)
            return gone, 0, error
        created, error = await self.workforce.hire(staffing.missing())
        return set(), created, error

    def _finish_if_complete(self, active: int) -> bool:
        tally = self._tally()
        succeeded, wanted = tally.succeeded(), tally.completions
        is_enough = succeeded > 0 if wanted is None else succeeded >= wanted
        if not is_enough or active:
            return False
        self.ending = ending.completed(self.now)
        return True

    def _note_suspension(self) -> None:
        said = conditions.find(self.status.get("conditions"), "Suspended")
        was_suspended, is_suspended = said is not None and said.get("status") == "True", self._tally().is_suspended
        if is_suspended and not was_suspended:
            self._say(ending.condition("Suspended", "JobSuspended", "Job suspended", self.now))
            self.events.normal(self.job, "Suspended", "Job suspended")
        elif was_suspended and not is_suspended:
            self._say({**ending.condition("Suspended", "JobResumed", "Job resumed", self.now), "status": "False"})
            self.status["startTime"] = format_time(self.now)
            self.events.normal(self.job, "Resumed", "Job resumed")
            self.reminder.look_again(timedelta(0))

    def _set_running(self, active: Sequence[Object], created: int) -> None:
        count = len(active) + created
        if count:
            self.status["active"] = count
        else:
            self.status.pop("active", None)
        self.status["ready"] = sum(is_ready(pod) for pod in active)
        deleted = len(self._tally().active()) - len(active)
        self.status["terminating"] = self._tally().terminating() + deleted

    # Accounting

    async def _account(self) -> None:
        tally, ledger = self._tally(), self.ledger
        failed_indexes = tally.failed_indexes()
        ledger.settle({uid_of(pod) for pod in tally.held()})
        is_failing = self.ending is not None and self.ending["type"] == "FailureTarget"
        free, has_more = ledger.record(
            tally.held(), is_over=self.ending is not None, is_failing=is_failing, may_go=self._may_go()
        )
        ledger.write_indexes(failed_indexes)
        if self.ending is not None and not has_more:
            self._say(self.ending)
        await self._flush()
        error = await self.workforce.release(free)
        ledger.settle({uid_of(pod) for pod in self._tally().held()})
        if not has_more and not ledger.succeeded and not ledger.failed:
            self._end()
        await self._flush()
        if error is not None:
            raise error
        if has_more:
            self.reminder.look_again(timedelta(0))

    def _may_go(self) -> Callable[[Object], bool]:
        """Whether a failed pod may be forgotten: the last failure of an index is needed until it is replaced."""
        tally = self._tally()
        if not tally.fails_by_index or self.ending is not None:
            return lambda pod: True
        last = {uid_of(pod) for pod in tally.last_failures().values()}
        done = tally.succeeded_indexes() | (tally.failed_indexes() or set())
        active = {indexes.index_of(pod) for pod in tally.active()}
        return lambda pod: uid_of(pod) not in last or indexes.index_of(pod) in done | active

    def _end(self) -> None:
        """Say for good how the Job ended, once no pod of it is left running or on its way out."""
        if self.ending is None or self.status.get("active") or self.status.get("terminating"):
            return
        type = "Complete" if self.ending["type"] == "SuccessCriteriaMet" else "Failed"
        final = ending.condition(type, self.ending.get("reason", ""), self.ending.get("message", ""), self.now)
        self._say(final)
        if type == "Complete":
            self.status["completionTime"] = format_time(self.now)
            wanted = self._tally().completions
            if wanted is not None and int(self.status.get("succeeded") or 0) > wanted:
                message = "Too many succeeded pods running after completion count reached"
                self.events.warning(self.job, "TooManySucceededPods", message)
            self.events.normal(self.job, "Completed", "Job completed")
        else:
            self.events.warning(self.job, final["reason"], final["message"])

    def _say(self, condition: Mapping[str, Any]) -> None:
        self.status["conditions"] = conditions.with_condition(self.status.get("conditions"), condition)

    async def _flush(self) -> None:
        if self.status != status_of(self.job):
            changed = {**self.job, "status": dict(self.status)}
            self.job = await self.client.update(JOBS, changed, subresource="status")
            self.memory.version = version_number_of(self.job)
