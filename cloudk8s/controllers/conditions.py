"""Conditions in an object's status: set, replace and remove them in lists that the caller owns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cloudk8s.machinery.times import format_time

Condition = Mapping[str, Any]


def find(conditions: Sequence[Condition] | None, type: str) -> Condition | None:
    """The condition of that type."""
    for condition in conditions or ():
        if condition.get("type") == type:
            return condition
    return None


def without(conditions: Sequence[Condition] | None, type: str) -> list[Condition]:
    """All but the condition of that type."""
    return [condition for condition in conditions or () if condition.get("type") != type]


def new(type: str, status: str, reason: str, message: str, now: datetime) -> dict[str, Any]:
    """A condition that changed just now; field order is that of upstream's encoding."""
    stamp = format_time(now)
    return {"type": type, "status": status, "lastTransitionTime": stamp, "reason": reason, "message": message}


def with_condition(conditions: Sequence[Condition] | None, condition: Condition) -> list[Condition]:
    """Replace the condition of the same type, in its place; the transition time stays while the status does."""
    old = find(conditions, condition["type"])
    if old is not None and old.get("status") == condition["status"] and old.get("lastTransitionTime"):
        condition = {**condition, "lastTransitionTime": old["lastTransitionTime"]}
    if old is None:
        return [*(conditions or ()), condition]
    return [condition if item is old else item for item in conditions or ()]
