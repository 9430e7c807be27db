"""What volumes and claims say: classes, modes, sizes, whose they are; pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, is_deleting, key, key_of, name_of, namespace_of, spec_of, uid_of
from cloudk8s.machinery.quantity import Quantity, parse

BIND_COMPLETED: Final = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER: Final = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY: Final = "pv.kubernetes.io/provisioned-by"
MIGRATED_TO: Final = "pv.kubernetes.io/migrated-to"
SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"
PROVISIONER: Final = "volume.kubernetes.io/storage-provisioner"
BETA_PROVISIONER: Final = "volume.beta.kubernetes.io/storage-provisioner"
_BETA_CLASS: Final = "volume.beta.kubernetes.io/storage-class"
_DEFAULT_CLASS: Final = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def class_of(obj: Object) -> str:
    """The storage class of a volume or a claim."""
    return annotations_of(obj).get(_BETA_CLASS) or spec_of(obj).get("storageClassName") or ""


def names_class(claim: Object) -> bool:
    """Whether a claim says which class it wants, if only that it wants none."""
    return _BETA_CLASS in annotations_of(claim) or spec_of(claim).get("storageClassName") is not None


def default_class(classes: Iterable[Object]) -> Object | None:
    """The newest of the default classes."""
    defaults = [item for item in classes if any(annotations_of(item).get(name) == "true" for name in _DEFAULT_CLASS)]
    defaults.sort(key=name_of)
    return max(defaults, key=lambda item: item["metadata"].get("creationTimestamp", ""), default=None)


def claim_of(volume: Object) -> Mapping[str, Any] | None:
    return spec_of(volume).get("claimRef")


def claim_key(volume: Object) -> str:
    """The key of the claim that a volume is reserved for; empty if for none."""
    reference = claim_of(volume)
    return key(reference.get("namespace", ""), reference.get("name", "")) if reference else ""


def is_bound_to(volume: Object, claim: Object) -> bool:
    """Whether the volume is reserved for this claim, by name or for good."""
    reference = claim_of(volume)
    if reference is None or claim_key(volume) != key_of(claim):
        return False
    return not reference.get("uid") or reference["uid"] == uid_of(claim)


def wanted_size(claim: Object) -> Quantity:
    return parse(((spec_of(claim).get("resources") or {}).get("requests") or {}).get("storage", "0"))


def size_of(volume: Object) -> Quantity:
    return parse((spec_of(volume).get("capacity") or {}).get("storage", "0"))


def has_mode_of(volume: Object, claim: Object) -> bool:
    """Whether both mean a filesystem, or both a block device."""
    modes = [spec_of(obj).get("volumeMode") or "Filesystem" for obj in (volume, claim)]
    return modes[0] == modes[1]


def has_access_of(volume: Object, claim: Object) -> bool:
    return set(access_modes(claim)) <= set(access_modes(volume))


def access_modes(obj: Object) -> Sequence[str]:
    return spec_of(obj).get("accessModes") or ()


def attributes_class(obj: Object) -> str:
    return spec_of(obj).get("volumeAttributesClassName") or ""


def unfit(volume: Object, claim: Object) -> str:
    """Why a volume that a claim asks for by name cannot be used; empty if it can."""
    if is_deleting(volume):
        return f'the volume is marked for deletion "{name_of(volume)}"'
    if size_of(volume) < wanted_size(claim):
        return "requested PV is too small"
    if class_of(volume) != class_of(claim):
        return "storageClassName does not match"
    if attributes_class(volume) != attributes_class(claim):
        return "VolumeAttributesClassName does not match"
    if not has_mode_of(volume, claim):
        return "incompatible volumeMode"
    return "" if has_access_of(volume, claim) else "incompatible accessMode"


def reference_to(claim: Object) -> dict[str, str]:
    """The claim reference that a volume carries."""
    return {
        "kind": "PersistentVolumeClaim",
        "namespace": namespace_of(claim),
        "name": name_of(claim),
        "uid": uid_of(claim),
        "apiVersion": "v1",
        "resourceVersion": claim["metadata"].get("resourceVersion", ""),
    }
