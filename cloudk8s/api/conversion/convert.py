"""Finds the conversion between two versions of a kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cloudk8s.api.conversion import autoscaling, events
from cloudk8s.api.resource import Object

_CONVERSIONS: Final[dict[tuple[str, str, str], Callable[[Object], Object]]] = {
    ("HorizontalPodAutoscaler", "autoscaling/v1", "autoscaling/v2"): autoscaling.to_v2,
    ("HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling/v1"): autoscaling.to_v1,
    ("Event", "v1", "events.k8s.io/v1"): events.to_events_group,
    ("Event", "events.k8s.io/v1", "v1"): events.to_core,
}


def convert(obj: Object, api_version: str) -> Object:
    """The object in another version; the given one is not changed, parts may be shared.

    The result lists type and metadata first, as stored objects do.
    """
    known = _CONVERSIONS.get((obj["kind"], obj["apiVersion"], api_version))
    if known is not None:
        return known(obj)
    return {**obj, "apiVersion": api_version}
