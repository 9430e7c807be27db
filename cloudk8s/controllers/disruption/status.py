"""What a budget's status says; pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, name_of, status_of
from cloudk8s.controllers import conditions
from cloudk8s.controllers.disruption.expected import Expected
from cloudk8s.controllers.pods import is_ready
from cloudk8s.machinery.times import parse_time

PATIENCE: Final = timedelta(minutes=2)
"""How long an evicted pod may take to be deleted before it counts as staying."""


def is_announced(budget: Object, pod: Object, now: datetime) -> bool:
    """Whether the eviction of a pod was allowed and its deletion may still come."""
    stamp = (status_of(budget).get("disruptedPods") or {}).get(name_of(pod))
    return stamp is not None and parse_time(stamp) + PATIENCE > now


def counted(budget: Object, pods: Sequence[Object], expected: Expected, now: datetime) -> dict[str, Any]:
    """The status for these pods."""
    announced = status_of(budget).get("disruptedPods") or {}
    left = [pod for pod in pods if not is_deleting(pod)]
    waiting = {name_of(pod): announced[name_of(pod)] for pod in left if is_announced(budget, pod, now)}
    healthy = sum(is_ready(pod) for pod in left if name_of(pod) not in waiting)
    allowed = max(0, healthy - expected.healthy) if expected.pods > 0 else 0
    generation = budget["metadata"].get("generation", 0)
    status: dict[str, Any] = {
        "observedGeneration": generation,
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": expected.healthy,
        "expectedPods": expected.pods,
        "conditions": _with_allowed(budget, allowed > 0, generation, now),
    }
    return status | ({"disruptedPods": waiting} if waiting else {})


def failed(budget: Object, reason: str, now: datetime) -> dict[str, Any]:
    """The safe status when nothing can be said: no disruption is allowed."""
    old = status_of(budget)
    condition = conditions.new("DisruptionAllowed", "False", "SyncFailed", reason, now)
    condition["observedGeneration"] = old.get("observedGeneration", 0)
    found = conditions.with_condition(old.get("conditions"), condition)
    counts = {name: old.get(name, 0) for name in ("currentHealthy", "desiredHealthy", "expectedPods")}
    return {**counts, **old, "disruptionsAllowed": 0, "conditions": found}


def next_check(status: Mapping[str, Any], now: datetime) -> timedelta | None:
    """When the first announced deletion is overdue."""
    stamps = (status.get("disruptedPods") or {}).values()
    return min((parse_time(stamp) + PATIENCE - now for stamp in stamps), default=None)


def _with_allowed(budget: Object, is_allowed: bool, generation: int, now: datetime) -> list[conditions.Condition]:
    reason = "SufficientPods" if is_allowed else "InsufficientPods"
    condition = conditions.new("DisruptionAllowed", "True" if is_allowed else "False", reason, "", now)
    condition["observedGeneration"] = generation
    return conditions.with_condition(status_of(budget).get("conditions"), condition)
