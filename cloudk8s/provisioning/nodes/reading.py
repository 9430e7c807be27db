"""Nodes of a cluster as machines see them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, condition, name_of, spec_of, status_of
from cloudk8s.machinery.times import TimeError, parse_time
from cloudk8s.provisioning.machines.view import NodeState


def states(nodes: Iterable[Object]) -> Mapping[str, NodeState]:
    """By name."""
    return {name_of(node): state_of(node) for node in nodes}


def state_of(node: Object) -> NodeState:
    """One node."""
    ready = condition(node, "Ready") or {}
    is_ready = ready.get("status") == "True"
    info = status_of(node).get("nodeInfo") or {}
    since = None if is_ready else _time(ready.get("lastTransitionTime", ""))
    reason = "" if is_ready else str(ready.get("message") or ready.get("reason") or "it has not reported yet")
    return NodeState(
        name_of(node), is_ready, str(info.get("kubeletVersion", "")), since, reason,
        is_closed=bool(spec_of(node).get("unschedulable")), annotations=dict(annotations_of(node)),
    )  # fmt: skip


def _time(text: str) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except TimeError:
        return None
