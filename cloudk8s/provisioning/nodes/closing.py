"""When a node began to be emptied, written on it: whoever goes on with it, in any process, knows how long it has taken.

A machine may be wanted again before its node is empty; then the node is opened again, if it was open before. Pure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from cloudk8s.machinery.times import TimeError, format_time, parse_time
from cloudk8s.provisioning.machines.view import NodeState

EMPTYING: Final = "cloudk8s.io/emptied-since"
BEFORE: Final = "closed-before"


def closing(node: NodeState, now: datetime) -> dict[str, Any]:
    """The merge patch that says so."""
    text = f"{format_time(now)} {BEFORE}" if node.is_closed else format_time(now)
    return {"metadata": {"annotations": {EMPTYING: text}}, "spec": {"unschedulable": True}}


def emptied_since(node: NodeState) -> datetime | None:
    """Since when it is being emptied, if it is."""
    try:
        return parse_time(node.annotations.get(EMPTYING, "").partition(" ")[0])
    except TimeError:
        return None


def opening(node: NodeState) -> dict[str, Any] | None:
    """The merge patch that takes it back; None where nobody began to empty it."""
    if (text := node.annotations.get(EMPTYING)) is None:
        return None
    is_ours = text.partition(" ")[2] != BEFORE
    return {"metadata": {"annotations": {EMPTYING: None}}, **({"spec": {"unschedulable": None}} if is_ours else {})}
