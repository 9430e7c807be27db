"""A rollout played through beforehand, as if every machine were there and served at once. Pure.

The decisions are those that converging takes, so the steps, and the calls they need, are those that will be made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cloudk8s.cloud.model.machine import Machine, MachineRequest
from cloudk8s.errors import CloudK8sError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.machines.decision import Decision, decide, hold, is_outdated, remove_undeclared
from cloudk8s.provisioning.machines.template import groups_of
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.plan import MachineStep

MOST_PASSES = 100_000


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass: what is decided, and who runs the control plane before and after."""

    decisions: tuple[Decision, ...]
    members: tuple[str, ...]
    members_after: tuple[str, ...]
    machines: tuple[MachineView, ...] = ()
    """As they are before."""


@dataclass(slots=True)
class Simulation:
    """The passes, and the machines at the end."""

    passes: list[Pass] = field(default_factory=list)
    machines: list[MachineView] = field(default_factory=list)

    def steps(self) -> Iterator[MachineStep]:
        """What happens to machines, in its order."""
        for taken in self.passes:
            for decision in taken.decisions:
                yield from steps_of(decision)

    def requests(self) -> list[MachineRequest]:
        """Everything that is made on the way."""
        return [request for taken in self.passes for decision in taken.decisions for request in decision.create]


def next_decisions(
    declaration: ClusterDeclaration, machines: Sequence[MachineView], network_id: str, now: datetime
) -> list[Decision]:
    """The next step for every group, and for what belongs to none. Pools are replaced after the control plane."""
    groups = groups_of(declaration)
    holds = is_outdated(groups[0], machines)
    found = [
        hold(group)
        if holds and not group.is_control_plane and is_outdated(group, machines)
        else decide(group, machines, cluster=declaration.name, network_id=network_id, now=now)
        for group in groups
    ]
    return [*found, remove_undeclared(machines, (group.name for group in groups))]


def simulate(
    declaration: ClusterDeclaration, machines: Sequence[MachineView], network_id: str, now: datetime
) -> Simulation:
    """Play the rollout through to its end."""
    found, views = Simulation(), list(machines)
    for _ in range(MOST_PASSES):
        decisions = next_decisions(declaration, views, network_id, now)
        if not any(decision.create or decision.delete for decision in decisions):
            found.machines = views
            return found
        before, views = views, _carried_out(decisions, views)
        found.passes.append(Pass(tuple(decisions), members_of(before), members_of(views), tuple(before)))
    raise CloudK8sError(f"cluster {declaration.name}: the rollout never ends")


def members_of(machines: Sequence[MachineView]) -> tuple[str, ...]:
    """Ids of the control plane's machines."""
    return tuple(sorted(e.machine.id for e in machines if e.exists and e.machine.role == "control-plane"))


def steps_of(decision: Decision) -> list[MachineStep]:
    """A decision as steps of a plan."""
    steps = []
    if decision.create:
        names = tuple(request.name for request in decision.create)
        steps.append(MachineStep("create", decision.group, names, decision.reason))
    for reason in dict.fromkeys(deletion.reason for deletion in decision.delete):
        doomed = [deletion.machine for deletion in decision.delete if deletion.reason == reason]
        names, ids = tuple(view.name for view in doomed), tuple(view.machine.id for view in doomed)
        steps.append(MachineStep("delete", decision.group or doomed[0].group, names, reason, ids))
    return steps


def _carried_out(decisions: Sequence[Decision], machines: Sequence[MachineView]) -> list[MachineView]:
    gone = {deletion.machine.machine.id for decision in decisions for deletion in decision.delete}
    kept = [_serving(view) for view in machines if view.machine.id not in gone]
    return kept + [_imagined(request) for decision in decisions for request in decision.create]


def _serving(view: MachineView) -> MachineView:
    return (
        replace(view, machine=replace(view.machine, state="running"), needs_node=False, needs_member=False)
        if view.exists
        else view
    )


def _imagined(request: MachineRequest) -> MachineView:
    return MachineView(
        Machine(
            id=f"(new) {request.name}", uid=request.uid, name=request.name, cluster=request.cluster, state="running",
            role=request.role, pool=request.pool, type=request.type, zone=request.zone, tags=request.tags,
            group=request.group,
        )
    )  # fmt: skip
