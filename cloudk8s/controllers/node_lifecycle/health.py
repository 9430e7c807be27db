"""When a node was last heard of, and what its conditions say once it has been silent for too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition, spec_of, status_of
from cloudk8s.controllers.conditions import find
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.machinery.times import format_time

REPORTED: Final = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
"""The conditions that a kubelet reports, and nobody knows without it."""


@dataclass(slots=True)
class Health:
    """One node as it looked when it last said something."""

    heard_at: float
    """Monotonic time of this process: clocks of nodes are not trusted."""
    heartbeat: str = ""
    renewed: str = ""

    def node_seen(self, node: Object, now: float) -> None:
        """The node object came or changed: a new heartbeat is a sign of life."""
        ready = condition(node, "Ready")
        heartbeat = str(ready.get("lastHeartbeatTime") or "") + str(ready.get("status")) if ready else ""
        if heartbeat != self.heartbeat and not (ready and ready.get("status") == "Unknown"):
            self.heartbeat, self.heard_at = heartbeat, now

    def lease_seen(self, lease: Object, now: float) -> None:
        """The node's lease came or changed: a renewal is a sign of life."""
        renewed = str(spec_of(lease).get("renewTime") or "")
        if renewed != self.renewed:
            self.renewed, self.heard_at = renewed, now

    def is_silent(self, node: Object, now: float, settings: ControllerSettings) -> bool:
        """Whether it has not been heard of for longer than it may; new nodes may take longer."""
        grace = settings.node_monitor_grace_period if condition(node, "Ready") else settings.node_startup_grace_period
        return now > self.heard_at + grace.total_seconds()


def unknown_conditions(node: Object, now: datetime) -> Sequence[Mapping[str, Any]] | None:
    """The conditions of a silent node; None if they already say so."""
    found: list[Mapping[str, Any]] = list(status_of(node).get("conditions") or ())
    is_changed = False
    for type in REPORTED:
        old = find(found, type)
        if old is None:
            found.append(_never_reported(node, type, now))
            is_changed = True
        elif old.get("status") != "Unknown":
            found[found.index(old)] = _stopped(old, now)
            is_changed = True
    return found if is_changed else None


def ready_status(node: Object) -> str:
    """`True`, `False` or `Unknown`."""
    ready = condition(node, "Ready")
    return str(ready["status"]) if ready else "Unknown"


def _never_reported(node: Object, type: str, now: datetime) -> Mapping[str, Any]:
    return {
        "type": type,
        "status": "Unknown",
        "lastHeartbeatTime": node["metadata"].get("creationTimestamp"),
        "lastTransitionTime": format_time(now),
        "reason": "NodeStatusNeverUpdated",
        "message": "Kubelet never posted node status.",
    }


def _stopped(old: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    return {
        **old,
        "status": "Unknown",
        "lastTransitionTime": format_time(now),
        "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.",
    }
