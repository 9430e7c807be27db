"""Volumes, claims, classes and CSI objects."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from cloudk8s.api.printing.layout import AGE, CREATED_AT, NAME, UNSET, Heading, Layout
from cloudk8s.api.printing.text import age_of, joined, name_of
from cloudk8s.api.resource import Object

_MODES: Final = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
_BETA_DEFAULT_CLASS: Final = "storageclass.beta.kubernetes.io/is-default-class"
_BETA_CLASS: Final = "volume.beta.kubernetes.io/storage-class"


def _modes(spec: Object) -> str:
    present = spec.get("accessModes") or []
    return ",".join(short for name, short in _MODES.items() if name in present)


def _class_of(obj: Object) -> str:
    annotations = obj["metadata"].get("annotations") or {}
    return str(annotations.get(_BETA_CLASS) or obj["spec"].get("storageClassName") or "")


def _volume(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    claim = spec.get("claimRef")
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
    return [
        name_of(obj),
        (spec.get("capacity") or {}).get("storage", ""),
        _modes(spec),
        spec.get("persistentVolumeReclaimPolicy", ""),
        phase,
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _class_of(obj),
        spec.get("volumeAttributesClassName") or UNSET,
        status.get("reason", ""),
        age_of(obj, now),
        spec.get("volumeMode") or UNSET,
    ]


def _claim(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
    bound = bool(spec.get("volumeName"))
    return [
        name_of(obj),
        phase,
        spec.get("volumeName", ""),
        (status.get("capacity") or {}).get("storage", "0") if bound else "",
        _modes(status) if bound else "",
        _class_of(obj),
        spec.get("volumeAttributesClassName") or UNSET,
        age_of(obj, now),
        spec.get("volumeMode") or UNSET,
    ]


def _storage_class(obj: Object, now: datetime) -> list[Any]:
    return [
        _default_name(obj),
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy", "Delete"),
        obj.get("volumeBindingMode", "Immediate"),
        bool(obj.get("allowVolumeExpansion")),
        age_of(obj, now),
    ]


def _default_name(obj: Object) -> str:
    annotations = obj["metadata"].get("annotations") or {}
    is_default = "true" in (annotations.get(_DEFAULT_CLASS), annotations.get(_BETA_DEFAULT_CLASS))
    return f"{name_of(obj)} (default)" if is_default else name_of(obj)


def _attributes_class(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), obj.get("driverName", ""), age_of(obj, now)]


def _attachment(obj: Object, now: datetime) -> list[Any]:
    spec = obj["spec"]
    volume = (spec.get("source") or {}).get("persistentVolumeName") or ""
    attached = bool((obj.get("status") or {}).get("attached"))
    return [name_of(obj), spec.get("attacher", ""), volume, spec.get("nodeName", ""), attached, age_of(obj, now)]


def _driver(obj: Object, now: datetime) -> list[Any]:
    spec = obj["spec"]
    requests = joined([item.get("audience", "") for item in spec.get("tokenRequests") or []], UNSET)
    modes = joined(spec.get("volumeLifecycleModes") or [], UNSET)
    return [
        name_of(obj),
        spec.get("attachRequired", True),
        spec.get("podInfoOnMount", False),
        spec.get("storageCapacity", False),
        requests,
        spec.get("requiresRepublish", False),
        modes,
        age_of(obj, now),
    ]


def _csi_node(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), len(obj["spec"].get("drivers") or []), age_of(obj, now)]


def _created_at(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), obj["metadata"].get("creationTimestamp")]


TABLE: Final = {
    ("", "persistentvolumes"): Layout(
        (
            NAME,
            Heading("Capacity", "spec.capacity"),
            Heading("Access Modes", "spec.accessModes"),
            Heading("Reclaim Policy", "spec.persistentVolumeReclaimPolicy"),
            Heading("Status", "status.phase"),
            Heading("Claim", "spec.claimRef"),
            Heading("StorageClass", "=StorageClass of the pv"),
            Heading("VolumeAttributesClass", "=VolumeAttributesClass of the pv"),
            Heading("Reason", "status.reason"),
            AGE,
            Heading("VolumeMode", "spec.volumeMode", priority=1),
        ),
        _volume,
    ),
    ("", "persistentvolumeclaims"): Layout(
        (
            NAME,
            Heading("Status", "status.phase"),
            Heading("Volume", "spec.volumeName"),
            Heading("Capacity", "status.capacity"),
            Heading("Access Modes", "status.accessModes"),
            Heading("StorageClass", "=StorageClass of the pvc"),
            Heading("VolumeAttributesClass", "=VolumeAttributesClass of the pvc"),
            AGE,
            Heading("VolumeMode", "spec.volumeMode", priority=1),
        ),
        _claim,
    ),
    ("storage.k8s.io", "storageclasses"): Layout(
        (
            NAME,
            Heading("Provisioner", "provisioner"),
            Heading("ReclaimPolicy", "reclaimPolicy"),
            Heading("VolumeBindingMode", "volumeBindingMode"),
            Heading("AllowVolumeExpansion", "allowVolumeExpansion"),
            AGE,
        ),
        _storage_class,
    ),
    ("storage.k8s.io", "volumeattributesclasses"): Layout(
        (NAME, Heading("DriverName", "driverName"), AGE), _attributes_class
    ),
    ("storage.k8s.io", "volumeattachments"): Layout(
        (
            NAME,
            Heading("Attacher", "spec.attacher", format="name"),
            Heading("PV", "spec.source.persistentVolumeName"),
            Heading("Node", "spec.nodeName"),
            Heading("Attached", "status.attached", "boolean"),
            AGE,
        ),
        _attachment,
    ),
    ("storage.k8s.io", "csidrivers"): Layout(
        (
            NAME,
            Heading("AttachRequired", "spec.attachRequired", "boolean"),
            Heading("PodInfoOnMount", "spec.podInfoOnMount", "boolean"),
            Heading("StorageCapacity", "spec.storageCapacity", "boolean"),
            Heading("TokenRequests", "spec.tokenRequests"),
            Heading("RequiresRepublish", "spec.requiresRepublish", "boolean"),
            Heading("Modes", "spec.volumeLifecycleModes"),
            AGE,
        ),
        _driver,
    ),
    ("storage.k8s.io", "csinodes"): Layout(
        (
            NAME,
            Heading("Drivers", "=Drivers indicates the number of CSI drivers registered on the node", "integer"),
            AGE,
        ),
        _csi_node,
    ),
    ("storage.k8s.io", "csistoragecapacities"): Layout((NAME, CREATED_AT), _created_at),
}
