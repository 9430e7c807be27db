"""What to do next about the machines of one group. Pure: the same machines give the same decision.

A decision is one step of a rollout; carried out and looked at again, steps end where nothing is left to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.provisioning.identity import machine_uid
from cloudk8s.provisioning.machines import control_plane
from cloudk8s.provisioning.machines.health import Ailment, brake, remediations
from cloudk8s.provisioning.machines.priority import victims
from cloudk8s.provisioning.machines.rollout import SetState, next_sizes
from cloudk8s.provisioning.machines.template import Group
from cloudk8s.provisioning.machines.view import MachineView, in_group
from cloudk8s.provisioning.objects.kinds import DELETION_ASKED


@dataclass(frozen=True, slots=True)
class Deletion:
    """One machine to be deleted, and why."""

    machine: MachineView
    reason: str
    is_remedy: bool = False
    """It is not well; another one takes its place."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The next step for one group."""

    group: str
    create: tuple[MachineRequest, ...] = ()
    """Without user data and network, which are known only when the network is there."""
    delete: tuple[Deletion, ...] = ()
    reason: str = ""
    """Why machines are made."""
    held: str = ""
    """Why machines that are not well stay."""
    most_remedies: int = 0
    """How many machines may be replaced in a row because they are not well."""
    is_paused: bool = False
    """The group is left alone, however it is."""
    is_settled: bool = True
    """Nothing is left to do or to wait for."""


def decide(group: Group, machines: Iterable[MachineView], *, cluster: str, network_id: str, now: datetime) -> Decision:
    """The next step."""
    if group.paused:
        return Decision(group.name, reason="is paused", is_paused=True)
    everything = list(machines)
    mine = in_group(everything, group.name)
    doubles = _doubles(mine)
    taken = [entry for entry in mine if entry.interrupted and entry not in doubles and not group.is_control_plane]
    kept = [entry for entry in mine if entry not in doubles and entry not in taken]
    new, old = _sets(group, kept)
    sizes = _sizes(group, new, old)
    missing = sizes[new.name] - new.wanted
    create = _requests(group, cluster, network_id, kept, everything, max(0, missing))
    delete = [Deletion(entry, "made twice") for entry in doubles]
    delete += [Deletion(entry, f"goes: {entry.interrupted}") for entry in taken]
    for entry in (new, *old):
        surplus = entry.wanted - sizes[entry.name]
        delete += _removals(group, [view for view in kept if _set_of(view) == entry.name], surplus, entry is new, now)
    going = {entry.machine.machine.id for entry in delete}
    asked = [view for view in kept if _is_asked_to_go(group, view) and view.machine.id not in going]
    delete += [Deletion(view, "somebody deleted its object") for view in asked]
    going |= {view.machine.id for view in asked}
    sick = [entry for entry in _remedies(group, everything, mine, now) if entry.machine.machine.id not in going]
    delete += [Deletion(entry.machine, f"is replaced: {entry.reason}", is_remedy=True) for entry in sick]
    waits = any(not entry.is_available for entry in kept) or bool(old and group.rollout.type != "OnDelete")
    return Decision(
        group.name, tuple(create), tuple(delete), _why(group, kept), _brake(group, mine, now),
        group.health_check.max_retries, is_settled=not (create or delete or waits),
    )  # fmt: skip


def remove_undeclared(machines: Iterable[MachineView], groups: Iterable[str]) -> Decision:
    """Delete what belongs to none of these groups."""
    known = set(groups)
    gone = [entry for entry in machines if entry.exists and entry.group not in known]
    return Decision("", delete=tuple(Deletion(entry, f"pool {entry.group} is no longer declared") for entry in gone))


def remove_all(machines: Iterable[MachineView]) -> Decision:
    """Delete every machine: the cluster goes."""
    return Decision("", delete=tuple(Deletion(entry, "the cluster is deleted") for entry in machines if entry.exists))


def hold(group: Group) -> Decision:
    """Leave a group that is to be replaced alone: kubelets must not be newer than the API they talk to."""
    return Decision(group.name, reason="waits for the control plane", is_settled=False)


def set_name(cluster: str, group: str, template: str) -> str:
    """What the names of all machines of one template begin with."""
    return f"{cluster}-{group}-{template[:5]}"


def is_outdated(group: Group, machines: Iterable[MachineView]) -> bool:
    """Whether machines of the group were made from another template."""
    return any(_set_of(view) != group.template.hash for view in in_group(machines, group.name))


def _is_asked_to_go(group: Group, view: MachineView) -> bool:
    """Its object was deleted; a control plane's machines go only by their own rules."""
    return DELETION_ASKED in view.marks and not group.is_control_plane


def _remedies(
    group: Group, everything: Sequence[MachineView], mine: Sequence[MachineView], now: datetime
) -> list[Ailment]:
    """What is replaced because it is not well; of a control plane one at a time, and while nothing else goes."""
    if not group.is_control_plane:
        return remediations(group.health_check, mine, now)
    leaves = any(view.machine.state == "deleting" and view.group == group.name for view in everything)
    is_whole = len(mine) <= group.replicas  # one too many comes of a rollout, which takes away what is not well
    return control_plane.remedy(group.health_check, mine, now) if is_whole and not leaves else []


def _brake(group: Group, mine: Sequence[MachineView], now: datetime) -> str:
    return (control_plane.brake if group.is_control_plane else brake)(group.health_check, mine, now)


def _sizes(group: Group, new: SetState, old: Sequence[SetState]) -> Mapping[str, int]:
    if group.is_control_plane and new.present and not old:
        return {new.name: _one_by_one(group.replicas, new)}
    return next_sizes(group.replicas, group.rollout, new, old)


def _one_by_one(replicas: int, new: SetState) -> int:
    """A control plane that exists grows and shrinks by one member at a time, when all serve.

    One that does not serve does not keep it from shrinking: it is the one to go, its member may have left already.
    """
    if new.available < new.present - (new.wanted > replicas):
        return new.wanted
    return new.wanted + max(-1, min(1, replicas - new.wanted))


def _sets(group: Group, machines: Sequence[MachineView]) -> tuple[SetState, list[SetState]]:
    names = sorted({_set_of(entry) for entry in machines}, key=lambda name: _age(machines, name))
    states = {name: _state(name, [entry for entry in machines if _set_of(entry) == name]) for name in names}
    current = group.template.hash
    new = states.pop(current, SetState(current, 0, 0, 0))
    return new, list(states.values())


def _state(name: str, machines: Sequence[MachineView]) -> SetState:
    return SetState(name, len(machines), len(machines), sum(entry.is_available for entry in machines))


def _set_of(view: MachineView) -> str:
    return view.template


def _age(machines: Sequence[MachineView], name: str) -> tuple[str, str]:
    """Sorts sets by their oldest machine."""
    first = min((str(e.machine.created or "") for e in machines if _set_of(e) == name), default="")
    return first, name


def _doubles(machines: Sequence[MachineView]) -> list[MachineView]:
    """Machines that were made for a UID that has one already; the newest are the surplus."""
    seen: set[str] = set()
    doubles = []
    for entry in sorted(machines, key=lambda view: (str(view.machine.created or ""), view.machine.id)):
        if entry.machine.uid in seen:
            doubles.append(entry)
        seen.add(entry.machine.uid)
    return doubles


def _removals(group: Group, machines: Sequence[MachineView], count: int, is_new: bool, now: datetime) -> list[Deletion]:
    if count <= 0:
        return []
    version = next((view.version for view in machines if view.version), "")
    changed = (
        f"version {version} → {group.template.version}"
        if version != group.template.version
        else "what it is made of has changed"
    )
    reason = f"{group.name} shrinks to {group.replicas}" if is_new else f"is replaced: {changed}"
    return [Deletion(view, reason) for view in victims(machines, count, order=group.delete_order, now=now)]


def _requests(
    group: Group,
    cluster: str,
    network_id: str,
    kept: Sequence[MachineView],
    everything: Sequence[MachineView],
    count: int,
) -> list[MachineRequest]:
    template = group.template
    prefix = f"{set_name(cluster, group.name, template.hash)}-"
    taken = {entry.name for entry in everything}
    zones = Counter(dict.fromkeys(group.zones, 0))
    zones.update(entry.machine.zone for entry in kept if entry.machine.zone in zones)
    found: list[MachineRequest] = []
    number = 0
    while len(found) < count:
        name = f"{prefix}{number}"
        number += 1
        if name in taken:
            continue
        zone = min(group.zones, key=lambda entry: (zones[entry], group.zones.index(entry)), default="")
        zones[zone] += 1
        found.append(machine_request(group, cluster, machine_uid(network_id, name), name, zone))
    return found


def machine_request(group: Group, cluster: str, uid: str, name: str, zone: str) -> MachineRequest:
    """One machine of a group."""
    template = group.template
    return MachineRequest(
        uid=uid, name=name, cluster=cluster, role=template.role, pool=group.name, type=template.type,
        image=template.image, zone=zone, root_volume_gib=template.root_volume_gib, spot=template.spot,
        tags=group.marks, options=template.options,
        group=set_name(cluster, group.name, template.hash) if template.scaling_group else "",
    )  # fmt: skip


def _why(group: Group, kept: Sequence[MachineView]) -> str:
    outdated = [view for view in kept if _set_of(view) != group.template.hash]
    if not outdated:
        return f"{group.name} has {len(kept)} of {group.replicas}"
    versions = {view.version for view in outdated} - {group.template.version, ""}
    what = (
        f"version {', '.join(sorted(versions))} → {group.template.version}"
        if versions
        else "what it is made of has changed"
    )
    return f"{group.name}: {what}"
