"""What is there of a cluster: its network, its machines, and what was declared; all of it from the cloud."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cloudk8s.cloud.model.machine import Machine
from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.interface import Observation
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE, ClusterDeclaration
from cloudk8s.provisioning.groups import owner_of_groups, promised
from cloudk8s.provisioning.identity import cluster_uid
from cloudk8s.provisioning.machines.view import MachineView, in_group
from cloudk8s.provisioning.record import from_tags, only_record
from cloudk8s.provisioning.site import Site


@dataclass(frozen=True, slots=True)
class State:
    """One look at a cluster."""

    observation: Observation
    machines: tuple[MachineView, ...]
    recorded: ClusterDeclaration | None = None
    """What was last declared, as the cloud's tags tell."""
    groups: Observation = Observation()  # noqa: RUF009 (frozen)
    """Groups of machines that the cloud keeps; what they promise is among the machines."""

    @property
    def exists(self) -> bool:
        """Anything of the cluster is there."""
        return bool(self.observation.resources) or any(entry.exists for entry in self.machines)

    @property
    def members(self) -> tuple[str, ...]:
        """Ids of the control plane's machines."""
        return tuple(sorted(entry.machine.id for entry in in_group(self.machines, CONTROL_PLANE)))


def look(site: Site) -> State:
    """Everything that the cluster has; raises when any part of it can't be read."""
    return _look(site, site.engine)


def look_to_delete(site: Site, *, machines: Sequence[Machine] | None = None) -> State:
    """What has to be deleted: all of it, but not all about it; machines only where they are not known."""
    types = site.deletion.deletion_types() if site.deletion is not None else site.engine.types
    return _look(site, replace(site.engine, types=types), machines)


def _look(site: Site, engine: Engine, machines: Sequence[Machine] | None = None) -> State:
    observation = engine.observe(site.cluster, cluster_uid(site.cluster))
    machines = site.list_machines() if machines is None else machines
    record = record_of(observation) or record_on(machines)
    groups = look_at_groups(site)
    return State(observation, listed(site, machines, groups), from_tags(record, site.settings), groups)


def look_at_groups(site: Site) -> Observation:
    """Groups that the cloud keeps."""
    if site.groups is None:
        return Observation()
    return site.group_engine.observe(site.cluster, owner_of_groups(site.cluster).uid)


def listed(site: Site, machines: Sequence[Machine], groups: Observation) -> tuple[MachineView, ...]:
    """Machines that are there, and those that their groups have promised."""
    missing = promised(site.groups.groups_of(groups), machines) if site.groups is not None else []
    return in_order([*(MachineView(machine) for machine in machines), *missing])


def renewed(site: Site, state: State, groups: Observation) -> State:
    """The state with its groups as they are now."""
    there = [view for view in state.machines if not view.is_promised]
    missing = [view for view in listed(site, [view.machine for view in there], groups) if view.is_promised]
    return replace(state, machines=in_order([*there, *missing]), groups=groups)


def views(machines: Sequence[Machine]) -> tuple[MachineView, ...]:
    """Machines, in the order of their names."""
    return in_order(MachineView(machine) for machine in machines)


def in_order(found: Iterable[MachineView]) -> tuple[MachineView, ...]:
    """By name."""
    return tuple(sorted(found, key=lambda view: (view.name, view.machine.id)))


def record_on(machines: Sequence[Machine]) -> Mapping[str, str]:
    """The record as machines of the control plane carry it, where a cluster has no network of its own."""
    carrying = [
        entry for entry in machines if entry.role == "control-plane" and entry.state not in ("deleting", "gone")
    ]
    return next((record for machine in carrying if (record := only_record(machine.tags))), {})


def record_of(observation: Observation) -> Mapping[str, str]:
    """The record's tags: the property `record` of the resource that stands for the cluster."""
    found = (entry.properties.get("record") for entry in observation.resources if entry.is_alive)
    return next((record for record in found if record), {})
