"""The volumes of one pod: what is bound, what is to be bound, and where that is possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    annotations_of,
    is_deleting,
    name_of,
    owner_references_of,
    spec_of,
    status_of,
    uid_of,
)
from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.pod.claims import ClaimReference
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.volumes.matching import assign, matching_volumes, requested
from cloudk8s.scheduler.volumes.storage import SELECTED_NODE, Storage, is_bound
from cloudk8s.scheduler.volumes.topology import provisionable, reachable


@dataclass(frozen=True, slots=True)
class Assignment:
    """What has to happen on one node: volumes by the UID of their claims, and claims to make volumes for."""

    volumes: Mapping[str, Object]
    static: tuple[Object, ...]
    provisioned: tuple[Object, ...]


@dataclass(slots=True)
class ClaimOptions:
    """A claim that waits for its first consumer, and what could serve it where."""

    claim: Object
    volumes: list[tuple[Object, Bools | None]]
    """The best first, each with the rows it can be reached from; None is all."""
    provision: Bools | None = None
    """Rows where a volume could be made; None is nowhere."""
    space: Bools | None = None
    """Rows where there is space for it; None is all."""

    def static_at(self, slot: int) -> list[Object]:
        return [volume for volume, rows in self.volumes if rows is None or rows[slot]]

    def is_provisionable_at(self, slot: int) -> bool:
        return self.provision is not None and bool(self.provision[slot])


@dataclass(slots=True)
class PodVolumes:
    """Everything about one pod's claims; valid while the cluster's nodes and the storage do not change."""

    bound: list[Object] = field(default_factory=list)
    waiting: list[ClaimOptions] = field(default_factory=list)
    lost: bool = False
    """A claim is bound to a volume that is not there."""
    reach: Bools | None = None
    """Rows from which all bound volumes can be reached; None is all."""
    bindable: Bools | None = None
    """Rows where all others can be bound; None is all."""
    with_space: Bools | None = None
    """Rows where there is space for volumes to be made; None is all."""

    def assignment(self, slot: int) -> Assignment | None:
        """How to bind the claims that wait, on the node in a slot; None if that is not possible."""
        static, made = [], []
        for options in self.waiting:
            if SELECTED_NODE in annotations_of(options.claim):
                made.append(options.claim)
            elif found := options.static_at(slot):
                static.append((options.claim, found))
            elif options.is_provisionable_at(slot):
                made.append(options.claim)
            else:
                return None
        chosen = assign(static)
        while chosen is None:  # two claims want the same volume: let the larger one be made, if it can be
            claim, _ = static.pop()
            if not next(item for item in self.waiting if item.claim is claim).is_provisionable_at(slot):
                return None
            made.append(claim)
            chosen = assign(static)
        return Assignment(chosen, tuple(claim for claim, _ in static), tuple(made))


def problem(reference: ClaimReference, claim: Object | None, pod: Pod) -> str:
    """Why a claim cannot be used at all; empty if it can."""
    name = reference.name
    if claim is None:
        if reference.is_ephemeral:
            return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
        return f'persistentvolumeclaim "{name}" not found'
    if status_of(claim).get("phase") == "Lost":
        volume = spec_of(claim).get("volumeName", "")
        return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
    if is_deleting(claim):
        return f'persistentvolumeclaim "{name}" is being deleted'
    if reference.is_ephemeral and pod.uid not in [owner["uid"] for owner in owner_references_of(claim)]:
        return f"PVC {reference.key} was not created for pod {pod.key} (pod is not owner)"
    return ""


def pod_volumes(
    claims: list[Object], storage: Storage, cluster: Cluster, taken: Mapping[str, str], made: Mapping[str, str]
) -> PodVolumes | None:
    """Look at a pod's claims; None if one waits for a binding that does not depend on the pod.

    `taken` are volumes that are assumed for a claim, `made` claims whose volume is being made, with the node.
    """
    found = PodVolumes()
    for claim in claims:
        if is_bound(claim):
            _add_bound(found, claim, storage, cluster)
        elif storage.waits_for_consumer(claim) and not spec_of(claim).get("volumeName"):
            found.waiting.append(_options(claim, storage, cluster, taken, made))
        else:
            return None
    found.waiting.sort(key=lambda options: requested(options.claim))
    _combine(found, cluster)
    return found


def _add_bound(found: PodVolumes, claim: Object, storage: Storage, cluster: Cluster) -> None:
    volume = storage.volume_of(claim)
    if volume is None:
        found.lost = True
        return
    found.bound.append(volume)
    if (rows := reachable(volume, cluster)) is not None:
        found.reach = rows if found.reach is None else found.reach & rows


def _options(
    claim: Object, storage: Storage, cluster: Cluster, taken: Mapping[str, str], made: Mapping[str, str]
) -> ClaimOptions:
    node = made.get(uid_of(claim)) or annotations_of(claim).get(SELECTED_NODE)
    if node:
        only = np.zeros(cluster.nodes.size, dtype=np.bool_)
        if (slot := cluster.nodes.slot(node)) is not None:
            only[slot] = True
        return ClaimOptions(claim, [], only)
    volumes = [(volume, reachable(volume, cluster)) for volume in matching_volumes(claim, storage, taken)]
    can_make = provisionable(claim, storage, cluster)
    if can_make is None:
        return ClaimOptions(claim, volumes)
    allowed, space = can_make
    if allowed is None:
        allowed = np.ones(cluster.nodes.size, dtype=np.bool_)
    return ClaimOptions(claim, volumes, allowed, space)


def _combine(found: PodVolumes, cluster: Cluster) -> None:
    """Where all claims that wait can be bound; where several compete for volumes, node by node."""
    for options in found.waiting:
        rows, space = _rows(options, cluster.nodes.size)
        if rows is not None:
            found.bindable = rows if found.bindable is None else found.bindable & rows
        if space is not None:
            found.with_space = space if found.with_space is None else found.with_space & space
    if sum(bool(options.volumes) for options in found.waiting) > 1 and found.bindable is not None:
        for slot in np.flatnonzero(found.bindable).tolist():
            found.bindable[slot] = found.assignment(slot) is not None
    elif sum(bool(options.volumes) for options in found.waiting) > 1:
        possible = [found.assignment(slot) is not None for slot in range(cluster.nodes.size)]
        found.bindable = np.array(possible, dtype=np.bool_)


def _rows(options: ClaimOptions, size: int) -> tuple[Bools | None, Bools | None]:
    """Rows where a claim can be bound, and those where there is space if its volume has to be made."""
    if any(rows is None for _, rows in options.volumes):
        return None, None
    static = np.zeros(size, dtype=np.bool_)
    for _, rows in options.volumes:
        assert rows is not None
        static |= rows
    if options.provision is None:
        return static, None
    space = None if options.space is None else static | options.space | ~options.provision
    return static | options.provision, space


def names(volumes: Mapping[str, Object]) -> dict[str, str]:
    """Volume names and the UIDs of the claims they are meant for."""
    return {name_of(volume): uid for uid, volume in volumes.items()}
