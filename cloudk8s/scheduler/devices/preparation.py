"""Devices that are made ready once they are allocated: what their drivers say of that in the claim's status.

https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#device-binding-conditions
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import status_of


def is_awaited(allocation: Mapping[str, Any] | None) -> bool:
    """Whether any of the devices has to be made ready."""
    return any(result.get("bindingConditions") for result in _results(allocation))


def failure(claim: Object) -> str:
    """Which device cannot be made ready, and why; empty while all may be."""
    for result, conditions in _told(claim):
        for type in result.get("bindingFailureConditions") or ():
            found = conditions.get(type)
            if found is not None and found.get("status") == "True":
                who = "/".join((result["driver"], result["pool"], result["device"]))
                return f"device {who} reports {type}: {found.get('message') or found.get('reason') or ''}".rstrip(": ")
    return ""


def is_ready(claim: Object) -> bool:
    """Whether every device is."""
    return all(
        (conditions.get(type) or {}).get("status") == "True"
        for result, conditions in _told(claim)
        for type in result.get("bindingConditions") or ()
    )


def _told(claim: Object) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]]:
    """Each allocated device with the conditions that its driver wrote."""
    status = status_of(claim)
    said = {_key(item): item.get("conditions") or () for item in status.get("devices") or ()}
    for result in _results(status.get("allocation")):
        yield result, {one["type"]: one for one in said.get(_key(result), ())}


def _results(allocation: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    return ((allocation or {}).get("devices") or {}).get("results") or []


def _key(item: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return item.get("driver", ""), item.get("pool", ""), item.get("device", ""), item.get("shareID") or ""
