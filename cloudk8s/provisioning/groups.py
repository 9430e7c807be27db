"""Pools whose machines the cloud keeps: one group for each pool and template, whose sizes follow the decisions. Pure.

A group only ever grows by its size. A machine that goes is chosen and emptied here, and takes its place in the group
with it; a group without machines is no longer wanted. So rollouts, drains and reasons are those of all pools.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cloudk8s.cloud.interface import ScalesGroups
from cloudk8s.cloud.model.machine import Machine, MachineRequest
from cloudk8s.cloud.model.machine_group import MachineGroup
from cloudk8s.cloud.model.network import Network
from cloudk8s.cloud.stack.resource import Owner, Stack
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.identity import cluster_uid
from cloudk8s.provisioning.machines.decision import Decision, machine_request, set_name
from cloudk8s.provisioning.machines.template import Group, groups_of
from cloudk8s.provisioning.machines.view import PROMISED, MachineView

ANY = "*"
"""Ends the name that user data has: each machine puts what the cloud calls it in its place."""


def owner_of_groups(cluster: str) -> Owner:
    """Groups have an owner of their own: they come and go by their own plan."""
    return Owner(cluster, f"{cluster_uid(cluster)}-groups", f"pools of cluster {cluster}")


def stack_of(cluster: str, contract: ScalesGroups, groups: Iterable[MachineGroup]) -> Stack:
    """Everything that the groups are made of."""
    resources = (resource for group in groups for resource in contract.group_resources(group))
    return Stack(owner_of_groups(cluster), tuple(resources))


def promised(groups: Iterable[MachineGroup], machines: Iterable[Machine]) -> list[MachineView]:
    """Machines that groups want and that are not there yet."""
    living = Counter(machine.group for machine in machines if machine.group and _exists(machine))
    return [_promised(group, number) for group in groups for number in range(max(group.size - living[group.name], 0))]


def wanted_groups(
    declaration: ClusterDeclaration, decisions: Sequence[Decision], machines: Iterable[MachineView],
    present: Sequence[MachineGroup],
) -> list[MachineGroup]:  # fmt: skip
    """Groups and their sizes as these decisions want them; machines that are yet to be deleted keep their place."""
    given_up = {entry.machine.machine.id for decision in decisions for entry in decision.delete}
    made = Counter(request.group for decision in decisions for request in decision.create)
    members = Counter(
        view.machine.group
        for view in machines
        if view.exists and not (view.is_promised and view.machine.id in given_up)
    )
    current = {set_name(declaration.name, group.name, group.template.hash): group for group in _scaled(declaration)}
    others = {group.name: group for group in present if group.name not in current}
    found = [
        MachineGroup(name, declaration.name, size, group.most, group.marks)
        for name, group in current.items()
        if (size := members[name] + made[name])
    ]
    return found + [replace(group, size=members[group.name]) for group in others.values() if members[group.name]]


def after(groups: Iterable[MachineGroup], decisions: Iterable[Decision]) -> list[MachineGroup]:
    """The groups once the decisions' deletions have taken machines out of them."""
    gone = Counter(
        entry.machine.machine.group
        for decision in decisions
        for entry in decision.delete
        if not entry.machine.is_promised
    )
    return [replace(group, size=max(group.size - gone[group.name], 0)) for group in groups]


def templates(declaration: ClusterDeclaration) -> dict[str, MachineRequest]:
    """One machine of every current group, by the group's name; without user data and place."""
    named = {set_name(declaration.name, group.name, group.template.hash): group for group in _scaled(declaration)}
    return {name: machine_request(group, declaration.name, name, f"{name}-{ANY}", "") for name, group in named.items()}


def placed(group: MachineGroup, template: MachineRequest, zones: Sequence[str], network: Network) -> MachineGroup:
    """The group with its template, in the places of its zones."""
    found = [network.attachments.get(f"{template.role}/{zone}", {}) for zone in zones]
    places: tuple[Mapping[str, str], ...] = tuple(place for place in found if place) or ({},)
    return replace(group, template=replace(template, network=places[0]), places=places)


def zones_of(declaration: ClusterDeclaration, pool: str) -> Sequence[str]:
    """The zones that a pool's machines are spread over."""
    return next((group.zones for group in groups_of(declaration) if group.name == pool), ())


def _scaled(declaration: ClusterDeclaration) -> list[Group]:
    return [group for group in groups_of(declaration) if group.template.scaling_group]


def _exists(machine: Machine) -> bool:
    return machine.state in ("pending", "running", "stopped")


def _promised(group: MachineGroup, number: int) -> MachineView:
    name = f"{group.name}-promised-{number}"
    return MachineView(
        Machine(f"{PROMISED}{name}", f"{PROMISED}{name}", name, group.cluster, tags=group.tags, group=group.name)
    )
