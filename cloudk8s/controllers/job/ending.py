"""Why a Job is over, if it is: the condition that it ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.client.objects import spec_of
from cloudk8s.controllers import conditions
from cloudk8s.controllers.job.memory import Reminder
from cloudk8s.controllers.job.pods import is_failed
from cloudk8s.controllers.job.policies import judge, success_rule
from cloudk8s.controllers.job.tally import Tally
from cloudk8s.machinery.times import format_time, parse_time

Condition = Mapping[str, Any]


def condition(type: str, reason: str, message: str, now: datetime) -> dict[str, Any]:
    """A condition of a Job that holds from now on."""
    stamp = format_time(now)
    times = {"lastProbeTime": stamp, "lastTransitionTime": stamp}
    return {"type": type, "status": "True", **times, "reason": reason, "message": message}


def said_before(status: Mapping[str, Any]) -> Condition | None:
    """How the Job was going to end already: that stands."""
    for type in ("SuccessCriteriaMet", "FailureTarget"):
        said = conditions.find(status.get("conditions"), type)
        if said is not None and said.get("status") == "True":
            return dict(said)
    return None


def completed(now: datetime) -> Condition:
    return condition("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods", now)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Looks at a Job that was not going to end so far."""

    tally: Tally
    status: Mapping[str, Any]
    reminder: Reminder
    now: datetime

    def ending(self) -> Condition | None:
        return self._by_failure_policy() or self._by_limits() or self._by_indexes() or self._by_success_policy()

    def _by_failure_policy(self) -> Condition | None:
        job = self.tally.job
        for pod in self.tally.pods if spec_of(job).get("podFailurePolicy") else ():
            if is_failed(job, pod) and (verdict := judge(job, pod)).action == "FailJob":
                return self._failure("PodFailurePolicy", verdict.message)
        return None

    def _by_limits(self) -> Condition | None:
        limit = self.tally.number("backoffLimit", 6)
        if self.tally.failed() > limit or self._restarts_exceed(limit):
            return self._failure("BackoffLimitExceeded", "Job has reached the specified backoff limit")
        if self._deadline_is_over():
            return self._failure("DeadlineExceeded", "Job was active longer than specified deadline")
        return None

    def _by_indexes(self) -> Condition | None:
        failed = self.tally.failed_indexes()
        if not failed:
            return None
        most = spec_of(self.tally.job).get("maxFailedIndexes")
        if most is not None and len(failed) > int(most):
            message = "Job has exceeded the specified maximal number of failed indexes"
            return self._failure("MaxFailedIndexesExceeded", message)
        if len(failed) + len(self.tally.succeeded_indexes()) >= (self.tally.indexes or 0):
            return self._failure("FailedIndexes", "Job has failed indexes")
        return None

    def _by_success_policy(self) -> Condition | None:
        if self.tally.indexes is None:
            return None
        rule = success_rule(self.tally.job, self.tally.succeeded_indexes(), self.tally.indexes)
        if rule is None:
            return None
        return condition("SuccessCriteriaMet", "SuccessPolicy", f"Matched rules at index {rule}", self.now)

    def _restarts_exceed(self, limit: int) -> bool:
        """For pods that start their containers again themselves, restarts are what is limited."""
        if (spec_of(self.tally.job)["template"]["spec"]).get("restartPolicy") != "OnFailure":
            return False
        total = self.tally.restarts()
        return total > 0 if limit == 0 else total >= limit

    def _deadline_is_over(self) -> bool:
        seconds, started = spec_of(self.tally.job).get("activeDeadlineSeconds"), self.status.get("startTime")
        if seconds is None or not started or self.tally.is_suspended:
            return False
        left = parse_time(started) + timedelta(seconds=int(seconds)) - self.now
        if left <= timedelta(0):
            return True
        self.reminder.look_again(left)
        return False

    def _failure(self, reason: str, message: str) -> Condition:
        return condition("FailureTarget", reason, message, self.now)
