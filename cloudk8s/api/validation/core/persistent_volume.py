"""PersistentVolumes, also those that a VolumeAttachment holds inline."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import Rendered, forbidden, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation import volume_sources as sources
from cloudk8s.api.validation.claims import VOLUME_MODES, check_access_modes
from cloudk8s.api.validation.go_value import go_diff, go_json
from cloudk8s.api.validation.pod.paths import check_no_backsteps
from cloudk8s.api.validation.resources import check_basic, check_positive
from cloudk8s.api.validation.selectors import check_node_selector
from cloudk8s.api.validation.values import Errors, check_immutable, check_optional, check_rule
from cloudk8s.api.validation.volume_sources import Place, Source, check_driver_name, require

_POLICIES: Final = frozenset({"Delete", "Recycle", "Retain"})
_SECRETS: Final = (
    "controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef",
)  # fmt: skip
_NOT_INLINE: Final = "may not be specified in the context of inline volumes"


def check_volume_spec(errors: Errors, path: str, spec: Mapping[str, Any], name: str) -> None:
    _check_modes(errors, path, spec)
    _check_capacity(errors, f"{path}.capacity", spec.get("capacity") or {})
    policy = spec.get("persistentVolumeReclaimPolicy")
    check_optional(errors, f"{path}.persistentVolumeReclaimPolicy", policy, _POLICIES)
    if (affinity := spec.get("nodeAffinity")) is not None:
        _check_affinity(errors, f"{path}.nodeAffinity", affinity)
    _check_source(errors, path, spec, name)
    if policy == "Recycle" and _is_root(spec.get("hostPath")):
        text = "may not be 'recycle' for a hostPath mount of '/'"
        errors.append(forbidden(f"{path}.persistentVolumeReclaimPolicy", text))
    if class_name := spec.get("storageClassName"):
        check_rule(errors, f"{path}.storageClassName", class_name, names.dns_subdomain)
    check_optional(errors, f"{path}.volumeMode", spec.get("volumeMode"), VOLUME_MODES)
    _check_attributes_class(errors, path, spec)


def check_inline_volume_spec(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    """A volume inside a VolumeAttachment: of CSI only, bound to nothing."""
    if spec.get("claimRef") is not None:
        errors.append(forbidden(f"{path}.claimRef", _NOT_INLINE))
    if spec.get("capacity"):
        errors.append(forbidden(f"{path}.capacity", _NOT_INLINE))
    if spec.get("csi") is None:
        errors.append(required(f"{path}.csi", "has to be specified in the context of inline volumes"))
    _check_modes(errors, path, spec)
    if (policy := spec.get("persistentVolumeReclaimPolicy")) and policy != "Retain":
        text = "may only be Retain in the context of inline volumes"
        errors.append(forbidden(f"{path}.persistentVolumeReclaimPolicy", text))
    if spec.get("nodeAffinity") is not None:
        errors.append(forbidden(f"{path}.nodeAffinity", _NOT_INLINE))
    _check_source(errors, path, spec, "")
    if spec.get("storageClassName"):
        errors.append(forbidden(f"{path}.storageClassName", _NOT_INLINE))
    if spec.get("volumeMode", "Filesystem") != "Filesystem":
        text = "may not specify volumeMode other than Filesystem in the context of inline volumes"
        errors.append(forbidden(f"{path}.volumeMode", text))
    _check_attributes_class(errors, path, spec)


def check_volume_changes(
    errors: Errors, spec: Mapping[str, Any], old: Mapping[str, Any], *, moves: bool = False
) -> None:
    """`moves` tells whether a volume may become reachable from other nodes."""
    new, before = _source_of(spec), _source_of(old)
    csi, old_csi = new.get("csi"), before.get("csi")
    if csi and old_csi and old_csi.get("controllerExpandSecretRef") is None:
        new = {**new, "csi": {key: value for key, value in csi.items() if key != "controllerExpandSecretRef"}}
    if new != before:
        difference = go_diff(before, new, "PersistentVolumeSource")
        text = f"spec.persistentvolumesource is immutable after creation\n{difference}"
        errors.append(forbidden("spec.persistentvolumesource", text))
    check_immutable(errors, "volumeMode", spec.get("volumeMode"), old.get("volumeMode"))
    affinity, old_affinity = spec.get("nodeAffinity"), old.get("nodeAffinity")
    if old_affinity is not None and not moves:
        shown = go_json(affinity, "*VolumeNodeAffinity")
        check_immutable(errors, "nodeAffinity", affinity, old_affinity, shown)
    if old.get("volumeAttributesClassName") is not None and spec.get("volumeAttributesClassName") is None:
        text = "update from non-nil value to nil is forbidden"
        errors.append(forbidden("spec.volumeAttributesClassName", text))


def _check_modes(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    if not spec.get("accessModes"):
        errors.append(required(f"{path}.accessModes"))
    check_access_modes(errors, f"{path}.accessModes", spec.get("accessModes") or ())


def _check_capacity(errors: Errors, path: str, capacity: Mapping[str, Any]) -> None:
    if not capacity:
        errors.append(required(path))
    if set(capacity) != {"storage"}:
        shown = go_json(capacity, "map:quantity") if capacity else Rendered("null")
        errors.append(not_supported(path, shown, ["storage"]))
    for name, amount in capacity.items():
        check_basic(errors, f"{path}[{name}]", amount)
        check_positive(errors, f"{path}[{name}]", amount)


def _check_affinity(errors: Errors, path: str, affinity: Mapping[str, Any]) -> None:
    if (wanted := affinity.get("required")) is None:
        errors.append(required(f"{path}.required", "must specify required node constraints"))
    else:
        check_node_selector(errors, f"{path}.required", wanted)


def _check_source(errors: Errors, path: str, spec: Mapping[str, Any], name: str) -> None:
    sources.check_one_source(errors, path, spec, VOLUME_SOURCES, Place(name, persistent=True))
    if spec.get("local") is not None and spec.get("nodeAffinity") is None:
        errors.append(required(f"{path}.nodeAffinity", "Local volume requires node affinity"))


def _check_attributes_class(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    if (name := spec.get("volumeAttributesClassName")) is None:
        return
    if name:
        check_rule(errors, f"{path}.volumeAttributesClassName", name, names.dns_subdomain)
    else:
        errors.append(required(f"{path}.volumeAttributesClassName", "an empty string is disallowed"))
    if spec.get("csi") is None:
        errors.append(required(f"{path}.csi", "has to be specified when using volumeAttributesClassName"))


def _is_root(source: Mapping[str, Any] | None) -> bool:
    path = (source or {}).get("path") or ""
    return path.startswith("/") and posixpath.normpath("/" + path.lstrip("/")) == "/"


def _source_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: spec[key] for key in VOLUME_SOURCES if spec.get(key) is not None}


def _local(errors: Errors, path: str, source: Source, place: Place) -> None:
    if target := source.get("path"):
        check_no_backsteps(errors, f"{path}.path", target)
    else:
        errors.append(required(f"{path}.path"))


def _csi(errors: Errors, path: str, source: Source, place: Place) -> None:
    check_driver_name(errors, f"{path}.driver", source.get("driver") or "")
    require(errors, path, source, "volumeHandle")
    for field in _SECRETS:
        if (secret := source.get(field)) is not None:
            require(errors, f"{path}.{field}", secret, "name", "namespace")


VOLUME_SOURCES: Final[sources.Table] = {
    "hostPath": ("hostPath", "hostPath", sources.host_path),
    "gcePersistentDisk": ("persistentDisk", "gcePersistentDisk", sources.gce_disk),
    "awsElasticBlockStore": ("awsElasticBlockStore", "awsElasticBlockStore", sources.aws_store),
    "glusterfs": ("glusterfs", "glusterfs", sources.glusterfs),
    "flocker": ("flocker", "flocker", sources.flocker),
    "nfs": ("nfs", "nfs", sources.nfs),
    "rbd": ("rbd", "rbd", sources.rbd),
    "quobyte": ("quobyte", "quobyte", sources.quobyte),
    "cephfs": ("cephfs", "cephFS", sources.ceph_fs),
    "iscsi": ("iscsi", "iscsi", sources.iscsi),
    "cinder": ("cinder", "cinder", sources.cinder),
    "fc": ("fc", "fc", sources.fibre_channel),
    "flexVolume": ("flexVolume", "flexVolume", sources.flex),
    "azureFile": ("azureFile", "azureFile", sources.azure_file),
    "vsphereVolume": ("vsphereVolume", "vsphereVolume", sources.vsphere),
    "photonPersistentDisk": ("photonPersistentDisk", "photonPersistentDisk", sources.photon),
    "portworxVolume": ("portworxVolume", "portworxVolume", sources.portworx),
    "azureDisk": ("azureDisk", "azureDisk", sources.azure_disk),
    "scaleIO": ("scaleIO", "scaleIO", sources.scale_io),
    "local": ("local", "local", _local),
    "storageos": ("storageos", "storageos", sources.storage_os),
    "csi": ("csi", "csi", _csi),
}
"""Upstream's order."""
