"""Conditions in Cluster API's words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition, name_of


@dataclass(frozen=True, slots=True)
class Condition:
    """What is so, or not; None is not known."""

    type: str
    holds: bool | None
    reason: str
    message: str = ""

    @staticmethod
    def of(type: str, holds: bool | None, *, otherwise: str = "", message: str = "") -> Condition:
        """With the reason that Cluster API gives: the type itself, `Not` before it, or `otherwise`."""
        if holds is None:
            return Condition(type, None, otherwise or f"{type}Unknown", message)
        return Condition(type, holds, type if holds else otherwise or f"Not{type}", message if not holds else "")


def shown(conditions: Iterable[Condition], previous: Object | None, now: str) -> list[dict[str, Any]]:
    """As an object shows them; the time of a condition is that of its last change."""
    found = []
    for each in sorted(conditions, key=lambda entry: entry.type):
        status = "Unknown" if each.holds is None else str(each.holds)
        before = condition(previous, each.type) if previous is not None else None
        since = before["lastTransitionTime"] if before is not None and before["status"] == status else now
        found.append(
            {
                "type": each.type, "status": status, "reason": each.reason, "message": each.message,
                "lastTransitionTime": since,
            }
        )  # fmt: skip
    return found


def all_of(type: str, objects: Sequence[Object], of: str, *, kind: str) -> Condition:
    """One condition for several objects: it names those for which the other one does not hold, and says why."""
    lacking = [entry for entry in objects if (condition(entry, of) or {}).get("status") != "True"]
    if not lacking:
        return Condition.of(type, True)
    lines = [f"* {kind} {name_of(entry)}: {_why(entry, of)}" for entry in lacking[:5]]
    if len(lacking) > 5:
        lines.append(f"* and {len(lacking) - 5} more")
    return Condition.of(type, False, message="\n".join(lines))


def _why(obj: Object, type: str) -> str:
    found = condition(obj, type) or {}
    return str(found.get("message") or found.get("reason") or "not known yet").replace("\n", " ")
