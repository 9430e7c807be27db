"""Warnings about PersistentVolumes."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.claim_warnings import CLASS_WARNING
from cloudk8s.api.strategies.pod.warnings import VOLUMES, node_selector_warnings
from cloudk8s.api.validation.core.claim import CLASS_ANNOTATION
from cloudk8s.machinery.quantity import parse

_MOUNT_OPTIONS = "volume.beta.kubernetes.io/mount-options"
_SOURCES = ("cephfs", "photonPersistentDisk", "scaleIO", "storageos", "glusterfs", "rbd")


def volume_warnings(volume: Object) -> list[str]:
    spec, annotations = volume["spec"], volume["metadata"].get("annotations") or {}
    warnings = [CLASS_WARNING] if CLASS_ANNOTATION in annotations else []
    if _MOUNT_OPTIONS in annotations:
        text = 'deprecated since v1.31; use "mountOptions" attribute instead'
        warnings.append(f"metadata.annotations[{_MOUNT_OPTIONS}]: {text}")
    warnings += [f"spec.{source}: {VOLUMES[source]}" for source in _SOURCES if spec.get(source) is not None]
    required = (spec.get("nodeAffinity") or {}).get("required") or {}
    terms = required.get("nodeSelectorTerms") or ()
    warnings += node_selector_warnings("spec.nodeAffinity.required.nodeSelectorTerms", terms)
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        warnings.append(
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. "
            "Instead, the recommended approach is to use dynamic provisioning."
        )
    amount = (spec.get("capacity") or {}).get("storage")
    if amount is not None and (quantity := parse(amount)).nanos % 10**9:
        warnings.append(f'spec.capacity[storage]: fractional byte value "{quantity}" is invalid, must be an integer')
    return warnings
