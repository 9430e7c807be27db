"""What happened to a node between two of its statuses, as its events tell it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.client.events import EventKind
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of

_REASONS: Final = {
    ("MemoryPressure", "False"): "NodeHasSufficientMemory",
    ("MemoryPressure", "True"): "NodeHasInsufficientMemory",
    ("DiskPressure", "False"): "NodeHasNoDiskPressure",
    ("DiskPressure", "True"): "NodeHasDiskPressure",
    ("PIDPressure", "False"): "NodeHasSufficientPID",
    ("PIDPressure", "True"): "NodeHasInsufficientPID",
    ("Ready", "True"): "NodeReady",
    ("Ready", "False"): "NodeNotReady",
}

Status = Mapping[str, Any]


def transitions(name: str, before: Status, after: Status) -> Sequence[tuple[EventKind, str, str]]:
    """Kind, reason and note of the events, in upstream's words."""
    found: list[tuple[EventKind, str, str]] = []
    boots = [(status.get("nodeInfo") or {}).get("bootID", "") for status in (before, after)]
    if all(boots) and boots[0] != boots[1]:
        found.append(("Warning", "Rebooted", f"Node {name} has been rebooted, boot id: {boots[1]}"))
    was, is_now = _conditions(before), _conditions(after)
    for key, reason in _REASONS.items():
        condition, status = key
        if is_now.get(condition) == status and was.get(condition) != status:
            found.append(("Normal", reason, f"Node {name} status is now: {reason}"))
    return found


def scheduling(before: Object, after: Object) -> str:
    """The reason of the event that tells whether pods may come now; empty where that has not changed."""
    was, is_now = (bool(spec_of(node).get("unschedulable")) for node in (before, after))
    return "" if was == is_now else "NodeNotSchedulable" if is_now else "NodeSchedulable"


def _conditions(status: Status) -> Mapping[str, str]:
    return {each["type"]: each["status"] for each in status.get("conditions") or ()}
