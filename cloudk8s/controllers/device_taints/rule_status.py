"""What a DeviceTaintRule's condition `EvictionInProgress` says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.controllers.device_taints.taints import NO_EXECUTE
from cloudk8s.machinery.times import format_time

CONDITION: Final = "EvictionInProgress"


@dataclass(frozen=True, slots=True)
class Effects:
    """What a rule does, or for effect `None` would do."""

    pods: int = 0
    namespaces: int = 0
    published: int = 0
    """Devices in ResourceSlices that the rule is about."""
    allocated: int = 0
    """The same of those that claims were given."""
    evicted: int = 0
    """Pods that the rule has ended since the controller started."""


def condition(rule: Object, effects: Effects, now: datetime) -> dict[str, Any]:
    """The whole condition, as if it had changed now."""
    status, reason, message = _verdict(str(spec_of(rule)["taint"].get("effect", "")), effects)
    if effects.evicted:
        evicted = f"{_count(effects.evicted, 'pod', 'pods')} evicted since starting the controller."
        message = f"{message} {evicted}" if message else evicted
    return {
        "type": CONDITION,
        "status": status,
        "observedGeneration": int(rule["metadata"].get("generation") or 0),
        "lastTransitionTime": format_time(now),
        "reason": reason,
        "message": message,
    }


def _verdict(effect: str, effects: Effects) -> tuple[str, str, str]:
    """Status, reason and message."""
    places = _count(effects.namespaces, "namespace", "different namespaces")
    if effect == NO_EXECUTE:
        if effects.pods:
            needed = _count(effects.pods, "pod needs", "pods need")
            return "True", "PodsPendingEviction", f"{needed} to be evicted in {places}."
        return "False", "Completed" if effects.evicted else "NotStarted", ""
    if effect == "None":
        published = _count(effects.published, "published device", "published devices")
        allocated = _count(effects.allocated, "allocated device", "allocated devices")
        pods = _count(effects.pods, "pod", "pods")
        message = f"{published} selected. {allocated} selected. {pods} would be evicted in {places} if the effect was "
        message += f"{NO_EXECUTE}. This information will not be updated again. "
        return "False", "NoEffect", message + "Recreate the DeviceTaintRule to trigger an update."
    return "False", "OtherEffect", f"Eviction only happens for the {NO_EXECUTE} effect."


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
