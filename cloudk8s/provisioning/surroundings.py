"""What pods refer to, read from a cluster; only what any of them refers to is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, name_of, spec_of
from cloudk8s.client.resources import (
    CSI_DRIVERS,
    CSI_STORAGE_CAPACITIES,
    NAMESPACES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    STORAGE_CLASSES,
)
from cloudk8s.provisioning.autoscaler.demand import Surroundings
from cloudk8s.provisioning.autoscaler.volumes import Volumes, claims_of
from cloudk8s.provisioning.nodes.api import ClusterApi


def surroundings(api: ClusterApi, pods: Sequence[Object]) -> Surroundings:
    """Storage, where pods have claims, and namespaces, where pods mean some by their labels."""
    labels = {}
    if any(_means_namespaces(pod) for pod in pods):
        labels = {name_of(each): labels_of(each) for each in api.list(NAMESPACES)}
    if not any(claims_of(pod) for pod in pods):
        return Surroundings(namespaces=labels)
    running = [pod for pod in pods if spec_of(pod).get("nodeName")]
    volumes = Volumes.of(
        api.list(PERSISTENT_VOLUME_CLAIMS), api.list(PERSISTENT_VOLUMES), api.list(STORAGE_CLASSES),
        api.list(CSI_DRIVERS), api.list(CSI_STORAGE_CAPACITIES), running,
    )  # fmt: skip
    return Surroundings(volumes, labels)


def _means_namespaces(pod: Object) -> bool:
    affinity = spec_of(pod).get("affinity") or {}
    return any(
        term.get("namespaceSelector") is not None
        for kind in ("podAffinity", "podAntiAffinity")
        for term in _required(affinity.get(kind) or {})
    )


def _required(affinity: Object) -> Iterable[Object]:
    return affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
