"""VolumeBinding: a pod goes where its volumes are, or where they can be bound or made; then they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, key_of, name_of, namespace_of, spec_of, uid_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.tasks import changed_or_slept
from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.interface import Cycle, Handle, Interest, Refusal, Rejection
from cloudk8s.scheduler.plugins.hints import is_own_claim, labels_changed
from cloudk8s.scheduler.pod.claims import claims_of
from cloudk8s.scheduler.volumes.binding import Assignment, PodVolumes, names, pod_volumes, problem
from cloudk8s.scheduler.volumes.storage import SELECTED_NODE, Storage, is_bound

IMMEDIATE: Final = "pod has unbound immediate PersistentVolumeClaims"
CONFLICT: Final = "node(s) didn't match PersistentVolume's node affinity"
NOTHING_TO_BIND: Final = "node(s) didn't find available persistent volumes to bind"
NO_SPACE: Final = "node(s) did not have enough free storage"
LOST: Final = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
BOUND_BY_CONTROLLER: Final = "pv.kubernetes.io/bound-by-controller"


class VolumesNotBound(CloudK8sError):
    """The volumes of a pod were not bound as planned; another attempt may do better."""


class VolumeBinding:
    """`bindTimeoutSeconds` in the arguments is how long a pod waits for its volumes; 600 by default."""

    name = "VolumeBinding"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._handle = handle
        self._timeout = float(arguments.get("bindTimeoutSeconds", 600))
        self._storage = Storage(handle.informers)
        self._taken: dict[str, str] = handle.shared["volumes taken"]
        """Volumes that are assumed for a claim, by name, with the claim's UID."""
        self._made: dict[str, str] = handle.shared["volumes to make"]
        """Claims whose volume is to be made, by UID, with the node."""
        self._changed = asyncio.Event()
        self._storage.claims.add_handler(self._on_claim)

    def pre_filter(self, cycle: Cycle) -> Refusal | None:
        pod = cycle.pod
        references = claims_of(pod) if pod.shape.volumes else ()
        if not references:
            return None
        claims: list[Object] = []
        for reference in references:
            claim = self._storage.claims.get(reference.name, reference.namespace)
            if reason := problem(reference, claim, pod):
                return Refusal(reason, is_resolvable=False)
            assert claim is not None
            claims.append(claim)
        found = pod_volumes(claims, self._storage, cycle.cluster, self._taken, self._made)
        if found is None:
            return Refusal(IMMEDIATE, is_resolvable=False)
        cycle.state[self.name] = found
        return None

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        found: PodVolumes | None = cycle.state.get(self.name)
        if found is None:
            return None
        passed: Bools | None = None
        for part in (found.reach, found.bindable, found.with_space):
            if part is not None:
                passed = part[rows] if passed is None else passed & part[rows]
        if found.lost:
            nodes = cycle.cluster.nodes.exists[rows]
            return nodes & ~nodes
        return passed

    def depends_on_pods(self, cycle: Cycle) -> bool:
        return bool(cycle.pod.shape.volumes)

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        found: PodVolumes = cycle.state[self.name]
        if found.lost:
            yield Rejection(LOST, rejected, is_resolvable=False)
        for part, reason in ((found.reach, CONFLICT), (found.bindable, NOTHING_TO_BIND), (found.with_space, NO_SPACE)):
            if part is not None:
                yield Rejection(reason, rejected & ~part, is_resolvable=False)

    def reserve(self, cycle: Cycle, node: str) -> Refusal | None:
        """Assume that the claims are bound as planned for the node."""
        found: PodVolumes | None = cycle.state.get(self.name)
        if found is None or not found.waiting:
            return None
        slot = cycle.cluster.nodes.slot(node)
        assignment = found.assignment(slot) if slot is not None else None
        if assignment is None:
            return Refusal(NOTHING_TO_BIND)
        cycle.state["volume assignment"] = assignment
        self._taken |= names(assignment.volumes)
        self._made |= {uid_of(claim): node for claim in assignment.provisioned}
        return None

    def unreserve(self, cycle: Cycle, node: str) -> None:
        assignment: Assignment | None = cycle.state.get("volume assignment")
        if assignment is not None:
            self._forget(assignment)

    async def pre_bind(self, cycle: Cycle, node: str) -> Refusal | None:
        """Write the plan into the API and wait until the claims are bound. Raises VolumesNotBound."""
        assignment: Assignment | None = cycle.state.get("volume assignment")
        if assignment is None:
            return None
        for claim in assignment.static:
            await self._bind(assignment.volumes[uid_of(claim)], claim)
        for claim in assignment.provisioned:
            if annotations_of(claim).get(SELECTED_NODE) != node:
                await self._annotate(claim, node)
        await self._bound((*assignment.static, *assignment.provisioned), node)
        self._forget(assignment)
        return None

    def interests(self) -> Sequence[Interest]:
        seen = frozenset(("add", "update"))
        return [
            Interest("persistentvolumeclaims", seen, is_own_claim),
            Interest("persistentvolumes", seen),
            Interest("storageclasses", seen),
            Interest("csinodes", seen),
            Interest("csidrivers", frozenset(("update",))),
            Interest("csistoragecapacities", seen),
            Interest("nodes", seen, labels_changed),
        ]

    async def _bind(self, volume: Object, claim: Object) -> None:
        reference = {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace_of(claim),
            "name": name_of(claim), "uid": uid_of(claim), "resourceVersion": claim["metadata"]["resourceVersion"],
        }  # fmt: skip
        known = spec_of(volume).get("claimRef") or {}
        if known.get("uid") == uid_of(claim):
            return
        metadata: Object = {"uid": uid_of(volume), "resourceVersion": volume["metadata"]["resourceVersion"]}
        if not known:
            metadata["annotations"] = {BOUND_BY_CONTROLLER: "yes"}
        patch = {"metadata": metadata, "spec": {"claimRef": reference}}
        await self._handle.client.patch(PERSISTENT_VOLUMES, name_of(volume), patch, type="merge")

    async def _annotate(self, claim: Object, node: str) -> None:
        patch = {"metadata": {"uid": uid_of(claim), "annotations": {SELECTED_NODE: node}}}
        await self._handle.client.patch(
            PERSISTENT_VOLUME_CLAIMS, name_of(claim), patch, namespace=namespace_of(claim), type="merge"
        )

    async def _bound(self, claims: Iterable[Object], node: str) -> None:
        """Wait until the controllers have bound the claims, give up, or take too long."""
        left = {key_of(claim): False for claim in claims}
        clock = self._handle.clock
        ends = clock.monotonic() + self._timeout
        while left:
            for key, was_selected in list(left.items()):
                claim = self._storage.claims.get_key(key)
                if claim is None:
                    raise VolumesNotBound(f'persistentvolumeclaim "{key.partition("/")[2]}" not found')
                is_selected = annotations_of(claim).get(SELECTED_NODE) == node
                if is_bound(claim):
                    del left[key]
                elif was_selected and not is_selected:
                    raise VolumesNotBound(f"provisioning failed for PVC {key}")
                else:
                    left[key] = is_selected
            if left and clock.monotonic() >= ends:
                raise VolumesNotBound("timed out waiting for the volumes to be bound")
            if left:
                await self._wait(ends - clock.monotonic())

    async def _wait(self, seconds: float) -> None:
        """Until a claim changes, or that time has passed."""
        self._changed.clear()
        await changed_or_slept(self._changed, self._handle.clock, seconds)

    def _on_claim(self, old: Object | None, new: Object | None) -> None:
        self._changed.set()

    def _forget(self, assignment: Assignment) -> None:
        for name in names(assignment.volumes):
            self._taken.pop(name, None)
        for claim in assignment.provisioned:
            self._made.pop(uid_of(claim), None)
