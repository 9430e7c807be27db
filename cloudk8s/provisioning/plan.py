"""What would be done to a cluster and why: pure, serialisable, readable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cloudk8s.cloud.stack.plan import SIGNS, Plan

MachineAction = Literal["create", "delete"]
NAMES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class MachineStep:
    """Machines of one group that are made, or deleted, together."""

    action: MachineAction
    group: str
    names: tuple[str, ...]
    reason: str
    ids: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        entry = {"action": self.action, "type": "machine", "group": self.group, "names": list(self.names)}
        return entry | ({"ids": list(self.ids)} if self.ids else {}) | {"reasons": [self.reason]}

    def __str__(self) -> str:
        count = f"{len(self.names)} machines" if len(self.names) > 1 else "machine"
        return f"{SIGNS[self.action]} {self.action} {count} {shortened(self.names)}\n    {self.reason}"


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """The network's steps, then the machines' in the order of the rollout, then what the endpoint sends traffic to."""

    cluster: str
    network: Plan | None = None
    machines: tuple[MachineStep, ...] = ()
    changes_members: bool = False
    """Whether other machines will stand behind the endpoint when all is done."""
    notes: tuple[str, ...] = ()
    """What a person should know before saying yes."""

    @property
    def is_empty(self) -> bool:
        """Nothing is to be changed."""
        return not (self.machines or self.changes_members) and (self.network is None or self.network.is_empty)

    @property
    def changes(self) -> int:
        """How many resources are made, changed, replaced or deleted."""
        network = len(self.network.mutations) if self.network is not None else 0
        return network + sum(len(step.names) for step in self.machines) + self.changes_members

    def as_dict(self) -> dict[str, Any]:
        steps = [step.as_dict() for step in self.network.mutations] if self.network is not None else []
        steps += [step.as_dict() for step in self.machines]
        if self.changes_members:
            steps.append({"action": "update", "type": "endpoint", "reasons": [MEMBERS]})
        return {"cluster": self.cluster, "changes": self.changes, "steps": steps, "notes": list(self.notes)}

    def lines(self) -> Iterator[str]:
        """For people."""
        if self.is_empty:
            yield f"cluster {self.cluster}: nothing to do"
        else:
            yield from (str(step) for step in self.network.mutations) if self.network is not None else ()
            yield from (str(step) for step in self.machines)
            if self.changes_members:
                yield f"{SIGNS['update']} update endpoint\n    {MEMBERS}"
            yield f"cluster {self.cluster}: {self.summary}"
        yield from (f"note: {note}" for note in self.notes)

    @property
    def summary(self) -> str:
        """`14 to create, 2 to delete`."""
        counts = dict.fromkeys(("create", "update", "replace", "delete"), 0)
        for step in self.network.mutations if self.network is not None else ():
            counts[step.action] += 1
        for entry in self.machines:
            counts[entry.action] += len(entry.names)
        counts["update"] += self.changes_members
        return ", ".join(f"{count} to {action}" for action, count in counts.items() if count) or "nothing to do"


MEMBERS = "other machines run the control plane"


def shortened(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
