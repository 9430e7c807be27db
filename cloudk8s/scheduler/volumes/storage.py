"""The informers of storage objects, with named questions."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.client.informer import Informer, Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, spec_of
from cloudk8s.client.resources import (
    CSI_DRIVERS,
    CSI_NODES,
    CSI_STORAGE_CAPACITIES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    STORAGE_CLASSES,
)

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
NO_PROVISIONER = "kubernetes.io/no-provisioner"


class Storage:
    """What there is; made by each plugin that needs it, over shared informers."""

    def __init__(self, informers: Informers) -> None:
        self.claims: Informer = informers.of(PERSISTENT_VOLUME_CLAIMS)
        self.volumes: Informer = informers.of(PERSISTENT_VOLUMES)
        self.classes: Informer = informers.of(STORAGE_CLASSES)
        self.drivers: Informer = informers.of(CSI_DRIVERS)
        self.nodes: Informer = informers.of(CSI_NODES)
        self.capacities: Informer = informers.of(CSI_STORAGE_CAPACITIES)
        self.volumes.add_index("class", _by_class)

    def class_of(self, claim: Object) -> Object | None:
        """The storage class of a claim."""
        name = class_name(claim)
        return self.classes.get(name) if name else None

    def volume_of(self, claim: Object) -> Object | None:
        """The volume that a claim is bound to."""
        name = spec_of(claim).get("volumeName")
        return self.volumes.get(name) if name else None

    def waits_for_consumer(self, claim: Object) -> bool:
        """Whether a claim is bound only once a pod that uses it is scheduled."""
        found = self.class_of(claim)
        return found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer"

    def volumes_in_class(self, name: str) -> Sequence[Object]:
        return self.volumes.by_index("class", name)


def class_name(obj: Object) -> str:
    """The storage class that a claim or a volume names; its old annotation wins."""
    old = annotations_of(obj).get("volume.beta.kubernetes.io/storage-class")
    return old if old is not None else spec_of(obj).get("storageClassName") or ""


def is_bound(claim: Object) -> bool:
    """Whether a claim is bound for good."""
    return bool(spec_of(claim).get("volumeName")) and BIND_COMPLETED in annotations_of(claim)


def _by_class(volume: Object) -> tuple[str, ...]:
    return (class_name(volume),)
