"""Which pods use which claims: the claims they name, and those that are made for their ephemeral volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of, spec_of

BY_CLAIM = "claim"
"""Name of the index made with `claims_of`."""


def claims_of(pod: Object) -> Iterable[str]:
    """Index function: `NAMESPACE/NAME` of every claim that a pod uses."""
    namespace = namespace_of(pod)
    return [f"{namespace}/{name}" for volume in spec_of(pod).get("volumes") or () if (name := claim_name(pod, volume))]


def claim_name(pod: Object, volume: Mapping[str, Any]) -> str:
    """The claim behind a volume; empty if there is none."""
    if (named := volume.get("persistentVolumeClaim")) is not None:
        return str(named["claimName"])
    if volume.get("ephemeral") is not None:
        return f"{name_of(pod)}-{volume['name']}"
    return ""
