"""The claims of a StatefulSet's pods and who owns them; pure functions.

The owner of a claim decides when the garbage collector takes it away: with the set, with a pod that was scaled down,
or never. https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import (
    controller_reference,
    labels_of,
    name_of,
    namespace_of,
    owner_references_of,
    spec_of,
    uid_of,
)
from cloudk8s.client.resources import PODS, STATEFUL_SETS
from cloudk8s.machinery import codec

Reference = Mapping[str, Any]


def claims_of(owner: Object, ordinal: int) -> dict[str, Object]:
    """The claims of one ordinal, by the name of their template."""
    labels = (spec_of(owner).get("selector") or {}).get("matchLabels") or {}
    claims = {}
    for template in spec_of(owner).get("volumeClaimTemplates") or ():
        claim = codec.copy({name: value for name, value in template.items() if name != "status"})
        claim |= {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
        name = f"{name_of(template)}-{name_of(owner)}-{ordinal}"
        claim["metadata"] |= {"name": name, "namespace": namespace_of(owner)}
        claim["metadata"]["labels"] = {**labels_of(template), **labels}
        claims[name_of(template)] = claim
    return claims


def retention(owner: Object) -> tuple[bool, bool]:
    """Whether claims go when the set is deleted, and when their pod is scaled down."""
    policy = spec_of(owner).get("persistentVolumeClaimRetentionPolicy") or {}
    return policy.get("whenDeleted") == "Delete", policy.get("whenScaled") == "Delete"


def is_stale(claim: Object, obj: Object, resource: Resource) -> bool:
    """Whether a claim belongs to an earlier object of the same name: the garbage collector will take it."""
    for reference in owner_references_of(claim):
        if _names(reference, obj, resource):
            return bool(reference["uid"] != uid_of(obj))
    return False


def wanted_owners(claim: Object, owner: Object, pod: Object, *, is_scaled_down: bool) -> Sequence[Reference] | None:
    """The owner references that a claim should have; None where they are right, or not ours to touch."""
    if is_stale(claim, owner, STATEFUL_SETS) or is_stale(claim, pod, PODS):
        return None
    references = owner_references_of(claim)
    others = [item for item in references if not _is_ours(item, owner, pod)]
    is_taken = any(item.get("controller") for item in others)
    ours = [] if is_taken else _right_owners(owner, pod, is_scaled_down)
    have = [item for item in references if item["uid"] in (uid_of(owner), uid_of(pod))]
    is_right = {item["uid"] for item in have} == {item["uid"] for item in ours}
    if is_right and all(item.get("controller") for item in have):
        return None
    return [*others, *ours]


def _right_owners(owner: Object, pod: Object, is_scaled_down: bool) -> list[Reference]:
    with_set, with_pod = retention(owner)
    if with_pod and is_scaled_down:
        return [controller_reference(pod, PODS)]
    return [controller_reference(owner, STATEFUL_SETS)] if with_set else []


def _is_ours(reference: Reference, owner: Object, pod: Object) -> bool:
    return _names(reference, owner, STATEFUL_SETS) or _names(reference, pod, PODS)


def _names(reference: Reference, obj: Object, resource: Resource) -> bool:
    return (reference["apiVersion"], reference["kind"], reference["name"]) == (
        resource.api_version, resource.kind, name_of(obj),
    )  # fmt: skip
