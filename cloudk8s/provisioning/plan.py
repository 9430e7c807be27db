"""What would be done to a cluster and why: pure, serialisable, readable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cloudk8s.cloud.model.network import Finding
from cloudk8s.cloud.stack.plan import SIGNS, Plan, Step
from cloudk8s.provisioning.costs import Cost

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
    """The network's steps, then the machines' in the order of the rollout, then how the endpoint follows them."""

    cluster: str
    network: Plan | None = None
    machines: tuple[MachineStep, ...] = ()
    endpoint: tuple[Step, ...] = ()
    """Steps of the network that follow from the machines: what the endpoint sends traffic to."""
    groups: tuple[Step, ...] = ()
    """Steps of groups whose machines the cloud keeps, as they follow from the machines."""
    calls: tuple[str, ...] | None = None
    """Names of the API calls that change something, in no order; None where the provider can't tell."""
    cost: Cost | None = None
    findings: tuple[Finding, ...] = ()
    """What a look beforehand found out."""
    notes: tuple[str, ...] = ()
    """What a person should know before saying yes."""
    uses: tuple[str, ...] = ()
    """What is there already, is used and stays as it is."""
    going: tuple[str, ...] = ()
    """What workloads made, and goes with the cluster; `calls` does not count it."""
    kept: tuple[str, ...] = ()
    """What workloads made, and stays although the cluster goes."""

    @property
    def is_empty(self) -> bool:
        """Nothing is to be changed."""
        return not (self.machines or self.endpoint or self.groups or self.going) and (
            self.network is None or self.network.is_empty
        )

    @property
    def changes(self) -> int:
        """How many resources are made, changed, replaced or deleted."""
        return sum(self.counts.values())

    @property
    def counts(self) -> Mapping[str, int]:
        """How many of each action."""
        counts = dict.fromkeys(("create", "update", "replace", "delete"), 0)
        for step in (*(self.network.mutations if self.network is not None else ()), *self.groups, *self.endpoint):
            counts[step.action] += 1
        for entry in self.machines:
            counts[entry.action] += len(entry.names)
        counts["delete"] += len(self.going)
        return counts

    @property
    def summary(self) -> str:
        """`14 to create, 2 to delete`."""
        return ", ".join(f"{count} to {action}" for action, count in self.counts.items() if count) or "nothing to do"

    def as_dict(self) -> dict[str, Any]:
        steps = [step.as_dict() for step in self.network.mutations] if self.network is not None else []
        steps += [step.as_dict() for step in self.groups] + [step.as_dict() for step in self.machines]
        steps += [step.as_dict() for step in self.endpoint]
        entry: dict[str, Any] = {"cluster": self.cluster, "changes": self.changes, "steps": steps}
        if self.calls is not None:
            entry["apiCalls"] = {"total": len(self.calls), "byName": dict(sorted(Counter(self.calls).items()))}
        if self.cost is not None:
            entry["cost"] = self.cost.as_dict()
        entry["findings"] = [
            {"check": f.check, "message": f.message, "fatal": f.is_fatal, "field": f.field} for f in self.findings
        ]
        entry["workloads"] = {"delete": list(self.going), "keep": list(self.kept)}
        return {**entry, "uses": list(self.uses), "notes": list(self.notes)}

    def lines(self) -> Iterator[str]:
        """For people."""
        yield from (f"= uses {text}" for text in self.uses)
        if self.is_empty:
            yield f"cluster {self.cluster}: nothing to do"
        else:
            yield from (str(step) for step in self.network.mutations) if self.network is not None else ()
            yield from (str(step) for step in (*self.groups, *self.machines, *self.endpoint))
            yield from (f"- delete {text}\n    made for a workload" for text in self.going)
            calls = f", by {len(self.calls)} API calls" if self.calls is not None else ""
            calls += " and those for what workloads made" if calls and self.going else ""
            yield f"cluster {self.cluster}: {self.summary}{calls}"
        yield from (f"= keeps {text}" for text in self.kept)
        if self.cost is not None:
            yield f"cost: {self.cost}"
        for finding in self.findings:
            where = finding.field or finding.check
            yield f"{'problem' if finding.is_fatal else 'warning'}: {where}: {finding.message}"
        if not self.is_empty:
            yield from (f"note: {note}" for note in self.notes)


def shortened(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
