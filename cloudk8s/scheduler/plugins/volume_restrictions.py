"""VolumeRestrictions: disks that one node at a time can use, and claims that one pod at a time can use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from cloudk8s.client.objects import spec_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS
from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.interface import ClusterEvent, Cycle, Handle, Interest, Rejection
from cloudk8s.scheduler.plugins.hints import is_own_claim
from cloudk8s.scheduler.pod.claims import claims_of
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.pod.shape import Shape

DISK: Final = "node(s) had no available disk"
SINGLE: Final = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
DISKS: Final = ("gcePersistentDisk", "awsElasticBlockStore", "rbd", "iscsi")


class VolumeRestrictions:
    """Looks only at pods that have such volumes."""

    name = "VolumeRestrictions"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._claims = handle.informers.of(PERSISTENT_VOLUME_CLAIMS)

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        if not cycle.pod.shape.volumes:
            return None
        passed = self._without_disks(cycle)
        if self._is_claim_in_use(cycle):
            return np.zeros(rows.stop - rows.start, dtype=np.bool_)
        return None if passed is None else passed[rows]

    def depends_on_pods(self, cycle: Cycle) -> bool:
        return bool(cycle.pod.shape.volumes)

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        passed = self._without_disks(cycle)
        if passed is not None:
            yield Rejection(DISK, rejected & ~passed)
            rejected = rejected & passed
        if self._is_claim_in_use(cycle):
            yield Rejection(SINGLE, rejected)

    def interests(self) -> Sequence[Interest]:
        return [
            Interest("assigned-pods", frozenset(("delete",)), _shares_volume),
            Interest("nodes", frozenset(("add",))),
            Interest("persistentvolumeclaims", frozenset(("add", "update")), is_own_claim),
        ]

    def _without_disks(self, cycle: Cycle) -> Bools | None:
        """The rows where no other pod holds one of the pod's disks; None if it has none."""
        wanted = disks_of(cycle.pod.shape)
        if not wanted:
            return None
        cluster = cycle.cluster
        passed = np.ones(cluster.nodes.size, dtype=np.bool_)
        for other in cluster.pods.values():
            if other.shape.volumes and any(clash(one, two) for one in wanted for two in disks_of(other.shape)):
                passed[other.slot] = False
        return passed

    def _is_claim_in_use(self, cycle: Cycle) -> bool:
        """Whether another pod uses a claim of the pod that only one may use."""
        for reference in claims_of(cycle.pod):
            claim = self._claims.get(reference.name, reference.namespace)
            modes = spec_of(claim).get("accessModes") or () if claim is not None else ()
            if "ReadWriteOncePod" in modes and cycle.cluster.users_of_claim(reference.key):
                return True
        return False


Disk = tuple[str, Mapping[str, Any]]
"""Its kind, and what a pod says of it."""


def disks_of(shape: Shape) -> list[Disk]:
    """The disks among a pod's volumes that not every pod of a node may hold at the same time."""
    return [(kind, volume[kind]) for volume in shape.volumes for kind in DISKS if volume.get(kind)]


def clash(one: Disk, two: Disk) -> bool:
    """Whether two pods that hold these can't be on one node."""
    (kind, first), (other, second) = one, two
    if kind != other:
        return False
    are_read_only = bool(first.get("readOnly")) and bool(second.get("readOnly"))
    if kind == "awsElasticBlockStore":
        return first.get("volumeID") == second.get("volumeID")
    if kind == "gcePersistentDisk":
        return first.get("pdName") == second.get("pdName") and not are_read_only
    if kind == "iscsi":
        return first.get("iqn") == second.get("iqn") and not are_read_only
    monitors = set(first.get("monitors") or ()) & set(second.get("monitors") or ())
    is_same = (first.get("pool") or "rbd", first.get("image")) == (second.get("pool") or "rbd", second.get("image"))
    return bool(monitors) and is_same and not are_read_only


def _shares_volume(pod: Pod, event: ClusterEvent) -> bool:
    """Whether the pod that went had a claim or a disk of this one."""
    freed = event.object
    namespace = freed["metadata"].get("namespace", "")
    claims = {
        f"{namespace}/{volume['persistentVolumeClaim'].get('claimName')}"
        for volume in (freed.get("spec") or {}).get("volumes") or ()
        if volume.get("persistentVolumeClaim")
    }
    return bool(disks_of(pod.shape)) or any(reference.key in claims for reference in claims_of(pod))
