"""The status of Jobs: counts, indexes, and what must be true of a finished Job.

A rule about a state applies when that state changes: what was recorded under older rules stays writable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import OMITTED, duplicate, invalid, required
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.values import Errors
from cloudk8s.api.validation.workloads.counts import check_counts
from cloudk8s.api.validation.workloads.job_indexes import IndexesError, count_indexes, overlap

_COUNTS: Final = ("active", "succeeded", "failed", "ready", "terminating")
_CONDITIONS: Final = "status.conditions"


class JobState:
    """A Job's status, asked in the words of the rules."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self.spec: Mapping[str, Any] = job["spec"]
        self.status: Mapping[str, Any] = job.get("status") or {}
        conditions = self.status.get("conditions") or ()
        held = {item.get("type") for item in conditions if item.get("status") == "True"}
        self.complete, self.failed = "Complete" in held, "Failed" in held
        self.finished = self.complete or self.failed
        self.failing, self.succeeding = "FailureTarget" in held, "SuccessCriteriaMet" in held
        self.indexed = self.spec.get("completionMode") == "Indexed"

    def count(self, field: str) -> int:
        return self.status.get(field) or 0


def check_job_status(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any], *, is_strict: bool = True) -> None:
    """Strict are versions in which controllers of others may manage Jobs; before, the one controller was trusted."""
    state, before = JobState(new), JobState(old)
    check_counts(errors, "status", state.status, _COUNTS)
    _check_uncounted(errors, state.status.get("uncountedTerminatedPods"))
    if is_strict:
        _check_transition(errors, state, before)
    _check_success(errors, state, before)


def _check_transition(errors: Errors, state: JobState, before: JobState) -> None:
    changed = _Changes(state, before)
    _check_completion(errors, state, changed)
    _check_finish(errors, state, changed)
    _check_indexes(errors, state, changed)
    _check_active(errors, state, changed)
    _check_course(errors, state, before)


class _Changes:
    """Which parts of a status differ."""

    def __init__(self, state: JobState, before: JobState) -> None:
        self._new, self._old = state.status, before.status
        self.complete = state.complete != before.complete
        self.failed = state.failed != before.failed
        self.finished = state.finished != before.finished
        self.failing = state.failing != before.failing
        self.succeeding = state.succeeding != before.succeeding

    def of(self, *fields: str) -> bool:
        return any(self._new.get(field) != self._old.get(field) for field in fields)


def _check_uncounted(errors: Errors, pods: Mapping[str, Sequence[str]] | None) -> None:
    seen: set[str] = set()
    for field in ("succeeded", "failed"):
        for index, uid in enumerate((pods or {}).get(field) or ()):
            at = f"status.uncountedTerminatedPods.{field}[{index}]"
            if not uid:
                errors.append(invalid(at, uid, "must not be empty"))
            elif uid in seen:
                errors.append(duplicate(at, uid))
            seen.add(uid)


def _check_completion(errors: Errors, state: JobState, changed: _Changes) -> None:
    end, start = state.status.get("completionTime"), state.status.get("startTime")
    at = "status.completionTime"
    if (changed.complete or changed.failed) and state.complete and state.failed:
        errors.append(_condition("cannot set Complete=True and Failed=true conditions"))
    if (changed.complete or changed.failing) and state.complete and state.failing:
        errors.append(_condition("cannot set Complete=True and FailureTarget=true conditions"))
    if changed.complete or changed.of("completionTime"):
        if end and not state.complete:
            text = "cannot set completionTime when there is no Complete=True condition"
            errors.append(invalid(at, end, text))
        if not end and state.complete:
            errors.append(required(at, "completionTime is required for Complete jobs"))
    if changed.of("startTime", "completionTime") and start and end and end < start:
        errors.append(invalid(at, end, "completionTime cannot be set before startTime"))


def _check_finish(errors: Errors, state: JobState, changed: _Changes) -> None:
    status, pods = state.status, state.status.get("uncountedTerminatedPods") or {}
    if (changed.failed or changed.of("failedIndexes")) and state.failed and not state.failing:
        errors.append(_condition("cannot set Failed=True condition without the FailureTarget=true condition"))
    if (changed.complete or changed.succeeding) and state.complete and not state.succeeding:
        text = "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"
        errors.append(_condition(text))
    if not state.finished:
        return
    if (changed.finished or changed.of("active")) and state.count("active") > 0:
        errors.append(invalid("status.active", state.count("active"), "active>0 is invalid for finished job"))
    never_ran = state.spec.get("suspend") and state.spec.get("completions") == 0
    if (changed.finished or changed.of("startTime")) and not never_ran and not status.get("startTime"):
        errors.append(required("status.startTime", "startTime is required for finished job"))
    if (changed.finished or changed.of("uncountedTerminatedPods")) and any(pods.values()):
        text = "uncountedTerminatedPods needs to be empty for finished job"
        errors.append(invalid("status.uncountedTerminatedPods", go_json(pods, "UncountedPods"), text))


def _check_indexes(errors: Errors, state: JobState, changed: _Changes) -> None:
    done, lost = state.status.get("completedIndexes") or "", state.status.get("failedIndexes")
    total, per_index = state.spec.get("completions"), state.spec.get("backoffLimitPerIndex")
    if total is not None and changed.of("completedIndexes"):
        _check_list(errors, "completedIndexes", done, total)
    if total is not None and changed.of("failedIndexes") and per_index is not None and lost is not None:
        _check_list(errors, "failedIndexes", lost, total)
    if changed.of("completedIndexes") and done and not state.indexed:
        text = "cannot set non-empty completedIndexes when non-indexed completion mode"
        errors.append(invalid("status.completedIndexes", done, text))
    if changed.of("failedIndexes") and per_index is None and lost is not None:
        text = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        errors.append(invalid("status.failedIndexes", lost, text))
    if total is not None and lost is not None and changed.of("failedIndexes", "completedIndexes"):
        common = overlap(done, lost, total)
        if common is not None:
            text = f"failedIndexes and completedIndexes overlap at index: {common}"
            errors.append(invalid("status.failedIndexes", lost, text))


def _check_list(errors: Errors, field: str, value: str, completions: int) -> None:
    try:
        count_indexes(value, completions)
    except IndexesError as error:
        errors.append(invalid(f"status.{field}", value, f"error parsing {field}: {error}"))


def _check_active(errors: Errors, state: JobState, changed: _Changes) -> None:
    ready, ending = state.status.get("ready"), state.count("terminating")
    if (changed.finished or changed.of("terminating")) and ending > 0 and state.finished:
        errors.append(invalid("status.terminating", ending, "terminating>0 is invalid for finished job"))
    if changed.of("ready", "active") and ready is not None and ready > state.count("active"):
        errors.append(invalid("status.ready", ready, "cannot set more ready pods than active"))


def _check_success(errors: Errors, state: JobState, before: JobState) -> None:
    if state.succeeding and state.failed:
        errors.append(_condition("cannot set SuccessCriteriaMet=True and Failed=true conditions"))
    if state.succeeding and state.failing:
        errors.append(_condition("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"))
    if state.spec.get("successPolicy") is not None and state.complete and not state.succeeding:
        text = "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"
        errors.append(_condition(text))
    if before.succeeding and not state.succeeding:
        errors.append(_condition("cannot disable the SuccessCriteriaMet=True condition"))
    if before.complete and not before.succeeding and state.succeeding:
        text = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"
        errors.append(_condition(text))


def _check_course(errors: Errors, state: JobState, before: JobState) -> None:
    """What has ended stays so, and counts only grow."""
    ended = (("Failed", before.failed, state.failed), ("Complete", before.complete, state.complete))
    for name, was, now in (*ended, ("FailureTarget", before.failing, state.failing)):
        if was and not now:
            errors.append(_condition(f"cannot disable the terminal {name}=True condition"))
    scales = state.indexed and state.spec.get("completions") == state.spec.get("parallelism")
    for field in ("failed",) if scales else ("failed", "succeeded"):
        if state.count(field) < before.count(field):
            errors.append(invalid(f"status.{field}", state.count(field), f"cannot decrease the {field} counter"))
    end, ended_before = state.status.get("completionTime"), before.status.get("completionTime")
    if end and ended_before and end != ended_before:
        errors.append(invalid("status.completionTime", end, "completionTime cannot be mutated"))
    started = before.status.get("startTime")
    if started and state.status.get("startTime") != started and not state.spec.get("suspend"):
        errors.append(required("status.startTime", "startTime cannot be removed for unsuspended job"))


def _condition(text: str) -> Any:
    return invalid(_CONDITIONS, OMITTED, text)
