"""What would be done and why: pure, serialisable, readable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cloudk8s.cloud.stack.interface import Observed
from cloudk8s.cloud.stack.resource import Owner, Resource, dump

Action = Literal["create", "update", "replace", "delete", "keep", "wait"]
"""`wait`: as wanted, but not ready yet."""

MUTATIONS: tuple[Action, ...] = ("create", "update", "replace", "delete")
SIGNS: Mapping[Action, str] = {
    "create": "+", "update": "~", "replace": "±", "delete": "-", "keep": " ", "wait": "…",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One property that differs; a reference that is not known yet is written as `(known after apply)`."""

    property: str
    observed: Any
    desired: Any

    def __str__(self) -> str:
        return f"{self.property}: {_short(self.observed)} → {_short(self.desired)}"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do to one resource."""

    action: Action
    type: str
    key: str
    reasons: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    resource: Resource | None = field(default=None, compare=False)
    observed: Observed | None = field(default=None, compare=False)
    after: frozenset[str] = frozenset()
    """Names of the steps that come first."""
    is_replacement: bool = False
    """A delete that makes room for the same key."""

    @property
    def name(self) -> str:
        """Unique in a plan: a key may be deleted in one step (an old duplicate) and kept in another."""
        if self.action == "delete" and self.observed is not None:
            return f"delete {self.type} {self.observed.id}"
        return self.key

    def as_dict(self) -> dict[str, Any]:
        entry: dict[str, Any] = {"action": self.action, "type": self.type, "key": self.key}
        if self.observed is not None:
            entry["id"] = self.observed.id
        if self.reasons:
            entry["reasons"] = list(self.reasons)
        if self.changes:
            entry["changes"] = [
                {"property": c.property, "observed": dump(c.observed), "desired": dump(c.desired)} for c in self.changes
            ]
        return entry

    def __str__(self) -> str:
        line = f"{SIGNS[self.action]} {self.action} {self.type} {self.key}"
        if self.observed is not None:
            line += f" ({self.observed.id})"
        details = [*self.reasons, *(str(change) for change in self.changes)]
        return line + "".join(f"\n    {detail}" for detail in details)


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order that works one by one; `apply` runs independent ones at the same time."""

    owner: Owner
    steps: tuple[Step, ...] = ()

    @property
    def mutations(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.action in MUTATIONS)

    @property
    def is_empty(self) -> bool:
        """Nothing is to be changed."""
        return not self.mutations

    @property
    def counts(self) -> Mapping[Action, int]:
        """How many steps of each action."""
        return Counter(step.action for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, for `--output json`."""
        owner = {"cluster": self.owner.cluster, "uid": self.owner.uid, "name": self.owner.name}
        return {"owner": owner, "changes": len(self.mutations), "steps": [step.as_dict() for step in self.steps]}

    def __str__(self) -> str:
        if self.is_empty:
            return f"{self.owner.name or self.owner.uid}: nothing to do"
        return "\n".join(str(step) for step in self.mutations)


def _short(value: Any) -> str:
    text = "(known after apply)" if value is None else str(dump(value))
    return text if len(text) <= 80 else f"{text[:77]}…"
