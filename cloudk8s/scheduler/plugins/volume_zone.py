"""VolumeZone: a volume with a zone or region in its labels can be used there only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from cloudk8s.client.objects import labels_of
from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.cluster.labels import ABSENT
from cloudk8s.scheduler.interface import Cycle, Handle, Interest, Rejection
from cloudk8s.scheduler.plugins.hints import is_own_claim, labels_changed
from cloudk8s.scheduler.pod.claims import claims_of
from cloudk8s.scheduler.volumes.storage import Storage

REASON: Final = "node(s) had no available volume zone"
KEYS: Final = (
    "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
)  # fmt: skip


class VolumeZone:
    """Nodes that say nothing of zones and regions are let pass."""

    name = "VolumeZone"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._storage = Storage(handle.informers)

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        if not cycle.pod.shape.volumes:
            return None
        wanted = list(self._zones(cycle))
        if not wanted:
            return None
        columns = cycle.cluster.nodes.labels
        unlabelled = np.logical_and.reduce([columns.column(key).ids[rows] == ABSENT for key in KEYS])
        passed: Bools = np.ones_like(unlabelled)
        for key, values in wanted:
            passed &= columns.column(key).where(lambda value, values=values: value in values, rows)  # type: ignore[misc]
        passed |= unlabelled
        return passed

    def depends_on_pods(self, cycle: Cycle) -> bool:
        return bool(cycle.pod.shape.volumes)

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        yield Rejection(REASON, rejected, is_resolvable=False)

    def interests(self) -> Sequence[Interest]:
        seen = frozenset(("add", "update"))
        return [
            Interest("persistentvolumeclaims", seen, is_own_claim),
            Interest("persistentvolumes", seen),
            Interest("storageclasses", frozenset(("add",))),
            Interest("nodes", seen, labels_changed),
        ]

    def _zones(self, cycle: Cycle) -> Iterable[tuple[str, frozenset[str]]]:
        """The topology labels of the volumes that the pod's claims are bound to, and their values."""
        for reference in claims_of(cycle.pod):
            claim = self._storage.claims.get(reference.name, reference.namespace)
            volume = self._storage.volume_of(claim) if claim is not None else None
            for key in KEYS if volume is not None else ():
                assert volume is not None
                if value := labels_of(volume).get(key):
                    yield key, frozenset(value.split("__"))
