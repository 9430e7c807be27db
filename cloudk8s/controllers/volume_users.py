"""Which pods use which claims: the claims they name, and those that are made for their ephemeral volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudk8s.client.informer import Handler, Informer, Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of, spec_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PODS

BY_CLAIM = "claim"
"""Name of the index made with `claims_of`."""


def watch_claims(informers: Informers, claim_changed: Handler, pod_changed: Handler) -> tuple[Informer, Informer]:
    """Claims, and pods by the claims that they use; changes of either are told."""
    claims, pods = informers.of(PERSISTENT_VOLUME_CLAIMS), informers.of(PODS)
    claims.add_handler(claim_changed)
    pods.add_index(BY_CLAIM, claims_of)
    pods.add_handler(pod_changed)
    return claims, pods


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
