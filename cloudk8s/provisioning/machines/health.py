"""Which machines are not well, and which of them are replaced now. Pure; the rules are those of MachineHealthCheck.

A brake keeps a fault of everything (a network, an API) from being cured by replacing everything: while more machines
than `max_unhealthy` are not well, none is touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cloudk8s.provisioning.declaration.pool import HealthCheck
from cloudk8s.provisioning.machines.rollout import resolve
from cloudk8s.provisioning.machines.view import MachineView

REMEDIATE = "cluster.x-k8s.io/remediate-machine"
SKIP = "cluster.x-k8s.io/skip-remediation"
PAUSED = "cluster.x-k8s.io/paused"


@dataclass(frozen=True, slots=True)
class Ailment:
    """One machine that is not well, and what it lacks."""

    machine: MachineView
    reason: str


def ailments(check: HealthCheck, machines: Sequence[MachineView], now: datetime) -> list[Ailment]:
    """All machines that are not well."""
    if not check.enabled:
        return []
    found = ((view, _reason(check, view, now)) for view in machines if view.exists and PAUSED not in view.marks)
    return [Ailment(view, reason) for view, reason in found if reason]


def remediations(check: HealthCheck, machines: Sequence[MachineView], now: datetime) -> list[Ailment]:
    """Those to be replaced now: none while the brake holds, the newest first, a few at a time."""
    sick = ailments(check, machines, now)
    if not sick or len(sick) > max(resolve(check.max_unhealthy, len(machines), up=False), 1):
        return []
    leaving = sum(view.machine.state == "deleting" for view in machines)
    room = max(resolve(check.max_in_flight, len(machines), up=True), 1) - leaving
    newest = sorted(sick, key=lambda entry: (_age(entry.machine, now), entry.machine.name))
    return [entry for entry in newest if SKIP not in entry.machine.marks][: max(room, 0)]


def brake(check: HealthCheck, machines: Sequence[MachineView], now: datetime) -> str:
    """Why nothing is replaced although machines are not well; empty where nothing holds."""
    sick = ailments(check, machines, now)
    most = max(resolve(check.max_unhealthy, len(machines), up=False), 1)
    if len(sick) <= most:
        return ""
    return (
        f"{len(sick)} of {len(machines)} are not well, more than maxUnhealthy ({check.max_unhealthy}): none is replaced"
    )


def _reason(check: HealthCheck, view: MachineView, now: datetime) -> str:
    machine = view.machine
    if REMEDIATE in view.marks or REMEDIATE in machine.tags:
        return "somebody asked for it"
    if machine.state == "stopped":
        return f"it has stopped{f': {machine.reason}' if machine.reason else ''}"
    if not view.needs_node or machine.state != "running":
        return ""
    if view.node is None:
        limit, since, what = check.node_startup_timeout, machine.created, "it is not a node"
    else:
        limit, since, what = (
            check.unhealthy_timeout,
            view.node.unhealthy_since,
            f"its node is not ready: {view.node.reason}",
        )
    is_late = bool(limit) and since is not None and now - since > limit
    return f"{what} for more than {limit.total_seconds():.0f} s" if is_late else ""


def _age(view: MachineView, now: datetime) -> float:
    return (now - view.machine.created).total_seconds() if view.machine.created else 0.0
