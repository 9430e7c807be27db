"""NodeVolumeLimits: a node can attach only so many volumes of a CSI driver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, uid_of
from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.interface import Cycle, Handle, Interest, Rejection
from cloudk8s.scheduler.plugins.hints import had_claims, is_own_claim
from cloudk8s.scheduler.pod.claims import claims_of
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.volumes.storage import NO_PROVISIONER, Storage

REASON: Final = "node(s) exceed max volume count"

Volumes = dict[str, set[str]]
"""Volumes by driver."""


class NodeVolumeLimits:
    """The limits are those that drivers report in CSINode objects; nodes without a report have none."""

    name = "NodeVolumeLimits"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._storage = Storage(handle.informers)

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        if not cycle.pod.shape.volumes or not len(self._storage.nodes):
            return None
        wanted = self._volumes([cycle.pod])
        if not wanted:
            return None
        nodes = cycle.cluster.nodes
        passed = np.ones(rows.stop - rows.start, dtype=np.bool_)
        for slot in range(rows.start, rows.stop):
            if cycle.alive is None or cycle.alive[slot - rows.start]:
                limits = self._limits(nodes.names[slot], wanted)
                passed[slot - rows.start] = not limits or self._has_room(cycle, slot, wanted, limits)
        return passed

    def depends_on_pods(self, cycle: Cycle) -> bool:
        return bool(cycle.pod.shape.volumes)

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        yield Rejection(REASON, rejected)

    def interests(self) -> Sequence[Interest]:
        return [
            Interest("csinodes", frozenset(("add", "update"))),
            Interest("assigned-pods", frozenset(("delete",)), had_claims),
            Interest("persistentvolumeclaims", frozenset(("add", "update")), is_own_claim),
        ]

    def _limits(self, node: str, wanted: Volumes) -> dict[str, int]:
        """The limits of the drivers that the pod needs."""
        found = self._storage.nodes.get(node)
        limits = {}
        for driver in spec_of(found).get("drivers") or () if found is not None else ():
            count = (driver.get("allocatable") or {}).get("count")
            if count is not None and driver.get("name") in wanted:
                limits[driver["name"]] = int(count)
        return limits

    def _has_room(self, cycle: Cycle, slot: int, wanted: Volumes, limits: dict[str, int]) -> bool:
        attached = self._volumes(pod for pod in cycle.cluster.pods_on(slot) if pod.shape.volumes)
        for driver, limit in limits.items():
            held = attached.get(driver, set())
            if wanted[driver] - held and len(wanted[driver] | held) > limit:
                return False
        return True

    def _volumes(self, pods: Iterable[Pod]) -> Volumes:
        """What the pods' claims attach; a volume that is still to be made counts by its claim."""
        found: Volumes = {}
        for pod in pods:
            for reference in claims_of(pod):
                claim = self._storage.claims.get(reference.name, reference.namespace)
                if claim is not None and (volume := self._volume(claim)) is not None:
                    found.setdefault(volume[0], set()).add(volume[1])
        return found

    def _volume(self, claim: Object) -> tuple[str, str] | None:
        volume = self._storage.volume_of(claim)
        if volume is not None:
            csi = spec_of(volume).get("csi")
            return (csi["driver"], csi.get("volumeHandle", "")) if csi else None
        found = self._storage.class_of(claim)
        provisioner = found.get("provisioner") if found is not None else None
        return None if provisioner in (None, "", NO_PROVISIONER) else (provisioner, uid_of(claim))
