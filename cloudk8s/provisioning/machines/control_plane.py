"""Which machine of a control plane is replaced because it is not well. Pure; the rules are those of Cluster API's KCP.

One at a time, never while another one comes or goes, and never where the other members of etcd would not be a quorum:
what is stored would stand still, or be lost. The control plane itself has the last word on that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cloudk8s.provisioning.declaration.pool import HealthCheck
from cloudk8s.provisioning.machines.health import REMEDIATE, SKIP, Ailment, ailments
from cloudk8s.provisioning.machines.view import MachineView


def remedy(check: HealthCheck, machines: Sequence[MachineView], now: datetime) -> list[Ailment]:
    """The one to be replaced now, if any."""
    sick = ailments(check, machines, now)
    if not sick or brake(check, machines, now):
        return []
    return sorted((entry for entry in sick if SKIP not in entry.machine.marks), key=_urgency)[:1]


def brake(check: HealthCheck, machines: Sequence[MachineView], now: datetime) -> str:
    """Why none is replaced although one is not well; empty where nothing holds."""
    sick = [entry for entry in ailments(check, machines, now) if SKIP not in entry.machine.marks]
    if not sick:
        return ""
    first = min(sick, key=_urgency).machine
    others = [view for view in machines if view.machine.id != first.machine.id]
    if not others:
        return f"{first.name} is the only machine of the control plane: all that is stored would be lost"
    unwell = {entry.machine.machine.id for entry in sick}
    if moving := [view for view in others if view.machine.id not in unwell and not view.is_available]:
        return f"{first.name} stays while {moving[0].name} comes or goes"
    well = sum(_is_member_well(view) for view in others)
    if well < len(others) // 2 + 1:
        return f"{first.name} stays: only {well} of the {len(others)} other machines are well, too few for etcd"
    return ""


def _is_member_well(view: MachineView) -> bool:
    """By its node, and by its member of etcd where that is known."""
    return view.is_available and (view.member is None or (view.member.is_healthy and not view.member.is_learner))


def _urgency(entry: Ailment) -> tuple[int, str, str]:
    """Asked for by somebody, not a node, etcd not well, anything else; the oldest first."""
    view = entry.machine
    if REMEDIATE in view.marks or REMEDIATE in view.machine.tags:
        rank = 0
    elif view.node is None:
        rank = 1
    else:
        rank = 2 if view.member is not None and not view.member.is_healthy else 3
    return rank, str(view.machine.created or ""), view.name
