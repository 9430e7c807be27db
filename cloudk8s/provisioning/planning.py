"""A declaration and one look at the cloud become a plan. Reads nothing, changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cloudk8s.cloud.model.machine import Machine, MachineRequest
from cloudk8s.cloud.stack.plan import Plan
from cloudk8s.cloud.stack.resource import Stack
from cloudk8s.errors import CloudK8sError, SettingsError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.identity import owner_of
from cloudk8s.provisioning.machines.decision import Decision, decide, hold, is_outdated, remove_all, remove_undeclared
from cloudk8s.provisioning.machines.template import groups_of
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.network import check, network_request, pinned
from cloudk8s.provisioning.plan import ClusterPlan, MachineStep
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State

MOST_STEPS = 100_000


def settled(site: Site, declaration: ClusterDeclaration, state: State) -> ClusterDeclaration:
    """The declaration with what was chosen at creation; raises SettingsError for what this cloud can't do."""
    if state.recorded is not None and state.recorded.provider != declaration.provider:
        raise SettingsError(f"cluster {declaration.name} is one of provider {state.recorded.provider!r}")
    zones: Sequence[str] = ()
    if not declaration.network.zones and (state.recorded is None or not state.recorded.network.zones):
        zones = site.networks.capabilities.zones if site.networks is not None else ()
        zones = zones or site.machines.capabilities.zones
    return pinned(declaration, state.recorded, zones)


def plan_cluster(site: Site, declaration: ClusterDeclaration, state: State) -> ClusterPlan:
    """What converging would do; `declaration` is settled."""
    network = None
    if site.networks is not None:
        request = network_request(declaration, state.members)
        if refused := check(request, site.networks.capabilities):
            raise SettingsError("; ".join(f"{field}: {reason}" for field, reason in refused.items()))
        network = site.engine.plan(site.networks.stack(request), state.observation)
    steps, after = _machine_steps(site, declaration, state.machines)
    before = set(state.members)
    later = {entry.machine.id for entry in after if entry.exists and entry.machine.role == "control-plane"}
    return ClusterPlan(declaration.name, network, tuple(steps), site.networks is not None and before != later)


def plan_deletion(site: Site, state: State) -> ClusterPlan:
    """What deleting everything would do."""
    steps = _steps(remove_all(state.machines))
    network: Plan | None = None
    if site.networks is not None:
        network = site.engine.plan(Stack(owner_of(site.cluster)), state.observation)
    return ClusterPlan(site.cluster, network, tuple(steps))


def decisions(
    site: Site, declaration: ClusterDeclaration, machines: Iterable[MachineView], network_id: str
) -> list[Decision]:
    """The next step for every group, and for what belongs to none. Pools are replaced after the control plane."""
    views, groups, now = list(machines), groups_of(declaration), site.clock.now()
    holds = is_outdated(groups[0], views)
    found = [
        hold(group)
        if holds and not group.is_control_plane and is_outdated(group, views)
        else decide(group, views, cluster=declaration.name, network_id=network_id, now=now)
        for group in groups
    ]
    return [*found, remove_undeclared(views, (group.name for group in groups))]


def _machine_steps(
    site: Site, declaration: ClusterDeclaration, machines: Sequence[MachineView]
) -> tuple[list[MachineStep], list[MachineView]]:
    """All steps of the rollout, as if every machine were there at once, and the machines at its end."""
    views, steps = list(machines), list[MachineStep]()
    for _ in range(MOST_STEPS):
        taken = decisions(site, declaration, views, "")
        if not any(decision.create or decision.delete for decision in taken):
            return steps, views
        for decision in taken:
            steps += _steps(decision)
            gone = {deletion.machine.machine.id for deletion in decision.delete}
            views = [view for view in views if view.machine.id not in gone]
            views += [_imagined(request) for request in decision.create]
        views = [
            replace(view, machine=replace(view.machine, state="running")) if view.exists else view for view in views
        ]
    raise CloudK8sError(f"cluster {declaration.name}: the rollout never ends")


def _steps(decision: Decision) -> list[MachineStep]:
    steps = []
    if decision.create:
        names = tuple(request.name for request in decision.create)
        steps.append(MachineStep("create", decision.group, names, decision.reason))
    for reason in dict.fromkeys(deletion.reason for deletion in decision.delete):
        doomed = [deletion.machine for deletion in decision.delete if deletion.reason == reason]
        names, ids = tuple(view.name for view in doomed), tuple(view.machine.id for view in doomed)
        steps.append(MachineStep("delete", decision.group or doomed[0].group, names, reason, ids))
    return steps


def _imagined(request: MachineRequest) -> MachineView:
    return MachineView(
        Machine(
            id=f"(new) {request.name}", uid=request.uid, name=request.name, cluster=request.cluster, state="running",
            role=request.role, pool=request.pool, zone=request.zone, tags=request.tags,
        )
    )  # fmt: skip
