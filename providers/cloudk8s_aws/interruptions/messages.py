"""Messages of EventBridge as interruptions. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cloudk8s.plugin import Interruption

UNREADABLE = "a message that can't be read"


def read_message(receipt: str, body: str) -> Interruption:
    """Which machines an event is about, and whether they go."""
    try:
        event = json.loads(body)
        kind, detail = str(event["detail-type"]), event["detail"]
        return _health(receipt, detail) if kind == "AWS Health Event" else _instance(receipt, kind, detail)
    except (ValueError, LookupError, TypeError, AttributeError):
        return Interruption(receipt, what=UNREADABLE)


def _instance(receipt: str, kind: str, detail: Mapping[str, Any]) -> Interruption:
    machines = (str(detail["instance-id"]),)
    if kind == "EC2 Spot Instance Interruption Warning":
        return Interruption(receipt, machines, f"AWS takes the spot instance back ({_action(detail)})", is_final=True)
    if kind == "EC2 Instance Rebalance Recommendation":
        return Interruption(receipt, machines, "AWS may soon take the spot instance back")
    return Interruption(receipt, what=f"{machines[0]} is {detail['state']}")  # as looks at machines show


def _action(detail: Mapping[str, Any]) -> str:
    return str(detail.get("instance-action", "terminate"))


def _health(receipt: str, detail: Mapping[str, Any]) -> Interruption:
    """Only what is planned for instances takes them; all else is news."""
    ids = [str(entry["entityValue"]) for entry in detail.get("affectedEntities") or ()]
    machines = tuple(id for id in ids if id.startswith("i-"))
    is_final = detail["service"] == "EC2" and detail["eventTypeCategory"] == "scheduledChange"
    return Interruption(receipt, machines, f"AWS has planned {detail['eventTypeCode']}", is_final=is_final)
