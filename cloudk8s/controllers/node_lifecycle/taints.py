"""Taints that follow from a node's conditions: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, status_of
from cloudk8s.machinery.times import format_time

NOT_READY: Final = "node.kubernetes.io/not-ready"
UNREACHABLE: Final = "node.kubernetes.io/unreachable"
UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"

BY_CONDITION: Final[Mapping[tuple[str, str], str]] = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
OURS: Final = frozenset({*BY_CONDITION.values(), UNSCHEDULABLE})

Taint = Mapping[str, Any]


def taints_of(node: Object) -> Sequence[Taint]:
    return spec_of(node).get("taints") or ()


def no_schedule(node: Object, now: datetime) -> list[Taint] | None:
    """The node's taints with the NoSchedule ones that its conditions call for; None if they are right."""
    keys = {
        BY_CONDITION[key]
        for item in status_of(node).get("conditions") or ()
        if (key := (item.get("type", ""), item.get("status", ""))) in BY_CONDITION
    }
    if spec_of(node).get("unschedulable"):
        keys.add(UNSCHEDULABLE)
    return _with(node, "NoSchedule", keys, OURS, now)


def no_execute(node: Object, key: str, now: datetime) -> list[Taint] | None:
    """The node's taints with this NoExecute one (not-ready or unreachable, none if empty); None if they are right."""
    return _with(node, "NoExecute", {key} if key else set(), frozenset({NOT_READY, UNREACHABLE}), now)


def has_no_execute(node: Object) -> bool:
    """Whether pods are to leave because nobody knows how the node is."""
    return any(t.get("effect") == "NoExecute" and t["key"] in (NOT_READY, UNREACHABLE) for t in taints_of(node))


def _with(node: Object, effect: str, keys: Iterable[str], ours: frozenset[str], now: datetime) -> list[Taint] | None:
    wanted = set(keys)
    held = {taint["key"] for taint in taints_of(node) if taint.get("effect") == effect and taint["key"] in ours}
    if held == wanted:
        return None
    kept = [t for t in taints_of(node) if t.get("effect") != effect or t["key"] not in ours or t["key"] in wanted]
    added = [{"key": key, "effect": effect, "timeAdded": format_time(now)} for key in sorted(wanted - held)]
    return [*kept, *added]
