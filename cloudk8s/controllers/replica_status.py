"""The status of an object that wants so many pods, and when it changes by itself: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, spec_of, status_of
from cloudk8s.controllers import conditions
from cloudk8s.controllers.pods import available_in, is_ready
from cloudk8s.controllers.replica_pods import Change
from cloudk8s.errors import StatusError


def status(
    owner: Object, active: Sequence[Object], terminating: int | None, change: Change | None, now: datetime
) -> Mapping[str, Any]:
    """`terminating` is how many pods are on their way out; None where that is not said."""
    template = ((spec_of(owner)["template"].get("metadata") or {}).get("labels") or {}).items()
    ready = [pod for pod in active if is_ready(pod)]
    wanted = dict(status_of(owner))
    counts = {
        "replicas": len(active),
        "fullyLabeledReplicas": sum([template <= labels_of(pod).items() for pod in active]),
        "readyReplicas": len(ready),
        "availableReplicas": _available(ready, _min_ready_seconds(owner), now),
    }
    for field, count in counts.items():
        if count or field == "replicas":
            wanted[field] = count
        else:
            wanted.pop(field, None)
    if terminating is not None:
        wanted["terminatingReplicas"] = terminating
    wanted["observedGeneration"] = owner["metadata"].get("generation", 0)
    found = _conditions(wanted.get("conditions"), change, now)
    if found:
        wanted["conditions"] = found
    else:
        wanted.pop("conditions", None)
    return wanted


def next_check(owner: Object, active: Sequence[Object], now: datetime) -> timedelta | None:
    """When the next ready pod becomes available."""
    seconds = _min_ready_seconds(owner)
    if not seconds:
        return None
    waits = [available_in(pod, seconds, now) for pod in active]
    return min((wait for wait in waits if wait), default=None)


def _conditions(
    old: Sequence[conditions.Condition] | None, change: Change | None, now: datetime
) -> Sequence[conditions.Condition]:
    has_failed = conditions.find(old, "ReplicaFailure") is not None
    if change is not None and change.error is not None and not has_failed:
        text = change.error.message if isinstance(change.error, StatusError) else str(change.error)
        return conditions.with_condition(old, conditions.new("ReplicaFailure", "True", change.reason, text, now))
    if (change is None or change.error is None) and has_failed:
        return conditions.without(old, "ReplicaFailure")
    return old or ()


def _available(ready: Sequence[Object], seconds: int, now: datetime) -> int:
    return sum(available_in(pod, seconds, now) == timedelta(0) for pod in ready) if seconds else len(ready)


def _min_ready_seconds(owner: Object) -> int:
    return int(spec_of(owner).get("minReadySeconds") or 0)
