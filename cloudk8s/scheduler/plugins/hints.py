"""Queueing hints that several plugins give: whether an event may help a pod."""

from __future__ import annotations

from cloudk8s.client.objects import key_of, labels_of
from cloudk8s.scheduler.interface import ClusterEvent
from cloudk8s.scheduler.pod.claims import claims_of
from cloudk8s.scheduler.pod.pod import Pod


def labels_changed(pod: Pod, event: ClusterEvent) -> bool:
    """The object is new, or its labels are others."""
    return event.old is None or event.new is None or labels_of(event.old) != labels_of(event.new)


def is_own_claim(pod: Pod, event: ClusterEvent) -> bool:
    """The claim is one that the pod uses."""
    return key_of(event.object) in [reference.key for reference in claims_of(pod)]


def had_claims(pod: Pod, event: ClusterEvent) -> bool:
    """The pod that went used volumes that others may use now."""
    volumes = (event.object.get("spec") or {}).get("volumes") or ()
    return any("persistentVolumeClaim" in volume or "ephemeral" in volume or "csi" in volume for volume in volumes)
