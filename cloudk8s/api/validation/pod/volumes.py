"""Volumes of a pod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, forbidden, invalid, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation import volume_sources as sources
from cloudk8s.api.validation.claims import check_claim_template
from cloudk8s.api.validation.pod.environment import (
    VOLUME_FIELDS,
    check_field_reference,
    check_resource_reference,
)
from cloudk8s.api.validation.pod.paths import check_not_reserved
from cloudk8s.api.validation.pod.projections import check_sources
from cloudk8s.api.validation.values import Errors, check_rule, check_supported
from cloudk8s.api.validation.volume_sources import Place, Source, require
from cloudk8s.machinery.quantity import parse

FILE_MODE: Final = "must be a number between 0 and 0777 (octal), both inclusive"
PULL_POLICIES: Final = frozenset({"Always", "IfNotPresent", "Never"})


def check_volumes(
    errors: Errors, path: str, volumes: Sequence[Mapping[str, Any]], *, pod_name: str = ""
) -> dict[str, Mapping[str, Any]]:
    """Returns the sound volumes by name; `pod_name` is only known for pods themselves."""
    claims = {f"{pod_name}-{volume.get('name', '')}" for volume in volumes if volume.get("ephemeral") is not None}
    sound: dict[str, Mapping[str, Any]] = {}
    for index, volume in enumerate(volumes):
        name = volume.get("name") or ""
        before = len(errors)
        item = f"{path}[{index}]"
        sources.check_one_source(errors, item, volume, POD_SOURCES, Place(name))
        if pod_name and name and volume.get("ephemeral") is not None:
            _check_claim_name(errors, item, pod_name, name)
        if not name:
            errors.append(required(f"{item}.name"))
        else:
            check_rule(errors, f"{item}.name", name, names.dns_label)
        if name in sound:
            errors.append(duplicate(f"{item}.name", name))
        if len(errors) == before:
            sound[name] = volume
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim and pod_name and claim in claims:
            text = "must not reference a PVC that gets created for an ephemeral volume"
            errors.append(invalid(f"{item}.persistentVolumeClaim.claimName", claim, text))
    return sound


def check_mode(errors: Errors, path: str, mode: int | None) -> None:
    if mode is not None and not 0 <= mode <= 0o777:
        errors.append(invalid(path, mode, FILE_MODE))


def check_items(errors: Errors, path: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Which keys become which files."""
    for index, item in enumerate(items):
        at = f"{path}[{index}]"
        require(errors, at, item, "key", "path")
        check_not_reserved(errors, f"{at}.path", item.get("path") or "")
        check_mode(errors, f"{at}.mode", item.get("mode"))


def check_downward_file(errors: Errors, path: str, file: Mapping[str, Any]) -> None:
    require(errors, path, file, "path")
    check_not_reserved(errors, f"{path}.path", file.get("path") or "")
    field, resource = file.get("fieldRef"), file.get("resourceFieldRef")
    if field is not None:
        check_field_reference(errors, f"{path}.fieldRef", field, VOLUME_FIELDS)
        if resource is not None:
            text = "fieldRef and resourceFieldRef can not be specified simultaneously"
            errors.append(invalid(path, "resource", text))
    elif resource is not None:
        check_resource_reference(errors, f"{path}.resourceFieldRef", resource, in_volume=True)
    else:
        errors.append(required(path, "one of fieldRef and resourceFieldRef is required"))
    check_mode(errors, f"{path}.mode", file.get("mode"))


def _empty_dir(errors: Errors, path: str, source: Source, place: Place) -> None:
    if (limit := source.get("sizeLimit")) is not None and parse(limit).nanos < 0:
        errors.append(forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity"))


def _secret(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "secretName")
    check_mode(errors, f"{path}.defaultMode", source.get("defaultMode"))
    check_items(errors, f"{path}.items", source.get("items") or ())


def _config_map(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "name")
    check_mode(errors, f"{path}.defaultMode", source.get("defaultMode"))
    check_items(errors, f"{path}.items", source.get("items") or ())


def _claim(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "claimName")


def _downward(errors: Errors, path: str, source: Source, place: Place) -> None:
    check_mode(errors, f"{path}.defaultMode", source.get("defaultMode"))
    for file in source.get("items") or ():
        check_downward_file(errors, path, file)


def _projected(errors: Errors, path: str, source: Source, place: Place) -> None:
    check_mode(errors, f"{path}.defaultMode", source.get("defaultMode"))
    check_sources(errors, path, source.get("sources") or (), check_items, check_downward_file)


def _csi(errors: Errors, path: str, source: Source, place: Place) -> None:
    sources.check_driver_name(errors, f"{path}.driver", source.get("driver") or "")
    if (secret := source.get("nodePublishSecretRef")) is not None:
        if name := secret.get("name"):
            check_rule(errors, f"{path}.name", name, names.dns_subdomain)
        else:
            errors.append(required(f"{path}.nodePublishSecretRef.name"))


def _ephemeral(errors: Errors, path: str, source: Source, place: Place) -> None:
    if (template := source.get("volumeClaimTemplate")) is None:
        errors.append(required(f"{path}.volumeClaimTemplate"))
    else:
        check_claim_template(errors, f"{path}.volumeClaimTemplate", template)


def _image(errors: Errors, path: str, source: Source, place: Place) -> None:
    check_supported(errors, f"{path}.pullPolicy", source.get("pullPolicy"), PULL_POLICIES)


def _check_claim_name(errors: Errors, path: str, pod_name: str, name: str) -> None:
    claim = f"{pod_name}-{name}"
    for text in names.dns_subdomain(claim):
        errors.append(invalid(f"{path}.name", name, f'PVC name "{claim}": {text}'))


POD_SOURCES: Final[sources.Table] = {
    "emptyDir": ("emptyDir", "emptyDir", _empty_dir),
    "hostPath": ("hostPath", "hostPath", sources.host_path),
    "gitRepo": ("gitRepo", "gitRepo", sources.git_repo),
    "gcePersistentDisk": ("persistentDisk", "gcePersistentDisk", sources.gce_disk),
    "awsElasticBlockStore": ("awsElasticBlockStore", "awsElasticBlockStore", sources.aws_store),
    "secret": ("secret", "secret", _secret),
    "nfs": ("nfs", "nfs", sources.nfs),
    "iscsi": ("iscsi", "iscsi", sources.iscsi),
    "glusterfs": ("glusterfs", "glusterfs", sources.glusterfs),
    "flocker": ("flocker", "flocker", sources.flocker),
    "persistentVolumeClaim": ("persistentVolumeClaim", "persistentVolumeClaim", _claim),
    "rbd": ("rbd", "rbd", sources.rbd),
    "cinder": ("cinder", "cinder", sources.cinder),
    "cephfs": ("cephfs", "cephFS", sources.ceph_fs),
    "quobyte": ("quobyte", "quobyte", sources.quobyte),
    "downwardAPI": ("downwardAPI", "downwarAPI", _downward),
    "fc": ("fc", "fc", sources.fibre_channel),
    "flexVolume": ("flexVolume", "flexVolume", sources.flex),
    "configMap": ("configMap", "configMap", _config_map),
    "azureFile": ("azureFile", "azureFile", sources.azure_file),
    "vsphereVolume": ("vsphereVolume", "vsphereVolume", sources.vsphere),
    "photonPersistentDisk": ("photonPersistentDisk", "photonPersistentDisk", sources.photon),
    "portworxVolume": ("portworxVolume", "portworxVolume", sources.portworx),
    "azureDisk": ("azureDisk", "azureDisk", sources.azure_disk),
    "storageos": ("storageos", "storageos", sources.storage_os),
    "projected": ("projected", "projected", _projected),
    "scaleIO": ("scaleIO", "scaleIO", sources.scale_io),
    "csi": ("csi", "csi", _csi),
    "ephemeral": ("ephemeral", "ephemeral", _ephemeral),
    "image": ("image", "image", _image),
}
"""Upstream's order; a typo in its messages is kept, as clients may know it."""
