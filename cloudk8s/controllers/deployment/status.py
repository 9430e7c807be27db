"""What a Deployment's status says: counts, availability, progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, spec_of, status_of
from cloudk8s.controllers import conditions
from cloudk8s.controllers.conditions import Condition
from cloudk8s.controllers.deployment.sets import (
    actual,
    has_deadline,
    is_complete,
    max_unavailable,
    replicas,
    total,
)
from cloudk8s.machinery.times import format_time, parse_time

TIMED_OUT = "ProgressDeadlineExceeded"
COMPLETE = "NewReplicaSetAvailable"
NEW = "NewReplicaSetCreated"
FOUND = "FoundNewReplicaSet"
FAILED_CREATE = "ReplicaSetCreateError"
UPDATED = "ReplicaSetUpdated"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"


def condition(type: str, status: str, reason: str, message: str, now: datetime) -> dict[str, Any]:
    """A Deployment's condition, which unlike others also says when it was last looked at."""
    stamp = format_time(now)
    times = {"lastUpdateTime": stamp, "lastTransitionTime": stamp}
    return {"type": type, "status": status, **times, "reason": reason, "message": message}


def with_condition(found: Sequence[Condition] | None, new: Condition) -> list[Condition]:
    """Set a condition; one with the same status and reason stays as it is."""
    old = conditions.find(found, new["type"])
    if old is not None and old["status"] == new["status"] and old.get("reason") == new["reason"]:
        return list(found or ())
    if old is not None and old["status"] == new["status"]:
        new = {**new, "lastTransitionTime": old.get("lastTransitionTime")}
    return [*conditions.without(found, new["type"]), new]


def counted(deployment: Object, sets: Sequence[Object], new: Object | None, now: datetime) -> dict[str, Any]:
    """The status with its numbers and the Available condition up to date."""
    status = dict(status_of(deployment))
    available = actual(sets, "availableReplicas")
    numbers = {
        "replicas": actual(sets),
        "updatedReplicas": actual([new]) if new else 0,
        "readyReplicas": actual(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, total(sets) - available),
    }
    status["observedGeneration"] = deployment["metadata"].get("generation", 0)
    for field, number in numbers.items():
        if number:
            status[field] = number
        else:
            status.pop(field, None)
    if all("terminatingReplicas" in status_of(item) for item in sets):
        status["terminatingReplicas"] = actual(sets, "terminatingReplicas")
    status["conditions"] = with_condition(status.get("conditions"), _availability(deployment, available, now))
    return status


def progressed(
    deployment: Object, status: dict[str, Any], sets: Sequence[Object], new: Object | None, now: datetime
) -> dict[str, Any]:
    """The status with the Progressing and ReplicaFailure conditions of a rollout up to date."""
    found: list[Condition] = list(status.get("conditions") or ())
    if not has_deadline(deployment):
        found = conditions.without(found, "Progressing")
    current = conditions.find(status_of(deployment).get("conditions"), "Progressing")
    is_done = (
        int(status.get("replicas") or 0) == int(status.get("updatedReplicas") or 0)
        and current is not None
        and current.get("reason") == COMPLETE
    )
    if has_deadline(deployment) and not is_done:
        found = _progress(deployment, status, found, current, new, now)
    failure = _failure(sets, new)
    found = with_condition(found, failure) if failure else conditions.without(found, "ReplicaFailure")
    return {**status, "conditions": found}


def has_timed_out(deployment: Object, status: Mapping[str, Any], now: datetime) -> bool:
    """Whether nothing has moved for longer than the deadline."""
    current = conditions.find(status.get("conditions"), "Progressing")
    if current is None or current.get("reason") == COMPLETE:
        return False
    if current.get("reason") == TIMED_OUT:
        return True
    return _deadline(deployment, current) < now


def time_left(deployment: Object, status: Mapping[str, Any], now: datetime) -> timedelta | None:
    """When to look whether the rollout has timed out; None if it cannot, or has, or is complete."""
    current = conditions.find(status.get("conditions"), "Progressing")
    if not has_deadline(deployment) or current is None:
        return None
    if is_complete(deployment, dict(status)) or current.get("reason") == TIMED_OUT:
        return None
    return max(timedelta(0), _deadline(deployment, current) - now) + timedelta(seconds=1)


def _availability(deployment: Object, available: int, now: datetime) -> Condition:
    if available >= replicas(deployment) - max_unavailable(deployment):
        message = "Deployment has minimum availability."
        return condition("Available", "True", "MinimumReplicasAvailable", message, now)
    message = "Deployment does not have minimum availability."
    return condition("Available", "False", "MinimumReplicasUnavailable", message, now)


def _progress(
    deployment: Object, status: Mapping[str, Any], found: list[Condition], current: Condition | None,
    new: Object | None, now: datetime,
) -> list[Condition]:  # fmt: skip
    who = f'ReplicaSet "{name_of(new)}"' if new else f'Deployment "{name_of(deployment)}"'
    if is_complete(deployment, dict(status)):
        message = f"{who} has successfully progressed."
        return with_condition(found, condition("Progressing", "True", COMPLETE, message, now))
    if _has_moved(status_of(deployment), status):
        moved = condition("Progressing", "True", UPDATED, f"{who} is progressing.", now)
        if current is not None and current.get("status") == "True":
            moved["lastTransitionTime"] = current.get("lastTransitionTime")
        return [*conditions.without(found, "Progressing"), moved]
    if has_timed_out(deployment, {"conditions": found}, now):
        message = f"{who} has timed out progressing."
        return with_condition(found, condition("Progressing", "False", TIMED_OUT, message, now))
    return found


def _has_moved(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    def number(status: Mapping[str, Any], field: str) -> int:
        return int(status.get(field) or 0)

    grown = any(number(new, field) > number(old, field) for field in _GROWING)
    outdated = [number(status, "replicas") - number(status, "updatedReplicas") for status in (old, new)]
    return grown or outdated[1] < outdated[0]


_GROWING = ("updatedReplicas", "readyReplicas", "availableReplicas")


def _failure(sets: Sequence[Object], new: Object | None) -> Condition | None:
    """The ReplicaFailure condition of the new ReplicaSet, or else of any."""
    for item in [*([new] if new else []), *sets]:
        if (failure := conditions.find(status_of(item).get("conditions"), "ReplicaFailure")) is not None:
            times = {"lastUpdateTime": failure.get("lastTransitionTime")}
            return {"type": "ReplicaFailure", "status": failure["status"], **times, **failure}
    return None


def _deadline(deployment: Object, current: Condition) -> datetime:
    seconds = int(spec_of(deployment).get("progressDeadlineSeconds") or 0)
    return parse_time(str(current["lastUpdateTime"])) + timedelta(seconds=seconds)
