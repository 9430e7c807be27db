"""Defaults of a pod's volumes, by their source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cloudk8s.api.strategies.pod.image import default_pull_policy
from cloudk8s.api.strategies.pod.resource_defaults import round_up

FILE_MODE: Final = 0o644


def default_volume(volume: dict[str, Any]) -> None:
    """A volume without a source is an empty directory; a source gets its own defaults."""
    has_source = False
    for key, source in volume.items():
        if key == "name" or source is None:
            continue
        has_source = True
        if (default := SOURCES.get(key)) is not None:
            default(source)
    if not has_source:
        volume["emptyDir"] = {}


def default_claim_spec(spec: dict[str, Any]) -> None:
    """A claim's spec, also inside an ephemeral volume; quantities and zero values are the schema's business."""
    spec.setdefault("volumeMode", "Filesystem")
    resources = spec.setdefault("resources", {})
    round_up(resources.get("limits"))
    round_up(resources.get("requests"))


def default_mode(source: dict[str, Any]) -> None:
    source.setdefault("defaultMode", FILE_MODE)


def default_downward_items(source: dict[str, Any]) -> None:
    for item in source.get("items") or ():
        if (field := item.get("fieldRef")) is not None and not field.get("apiVersion"):
            field["apiVersion"] = "v1"
        if (resource := item.get("resourceFieldRef")) is not None:
            resource.setdefault("divisor", "0")


def default_iscsi(source: dict[str, Any]) -> None:
    if not source.get("iscsiInterface"):
        source["iscsiInterface"] = "default"


def default_rbd(source: dict[str, Any]) -> None:
    for key, value in (("pool", "rbd"), ("user", "admin"), ("keyring", "/etc/ceph/keyring")):
        source[key] = source.get(key) or value


def default_azure_disk(source: dict[str, Any]) -> None:
    for key, value in (("cachingMode", "ReadWrite"), ("kind", "Shared"), ("fsType", "ext4"), ("readOnly", False)):
        source.setdefault(key, value)


def default_scale_io(source: dict[str, Any]) -> None:
    for key, value in (("storageMode", "ThinProvisioned"), ("fsType", "xfs")):
        source[key] = source.get(key) or value


def default_host_path(source: dict[str, Any]) -> None:
    source.setdefault("type", "")


def _downward(source: dict[str, Any]) -> None:
    default_mode(source)
    default_downward_items(source)


def _projected(source: dict[str, Any]) -> None:
    default_mode(source)
    for part in source.get("sources") or ():
        if (token := part.get("serviceAccountToken")) is not None:
            token.setdefault("expirationSeconds", 3600)
        if (downward := part.get("downwardAPI")) is not None:
            default_downward_items(downward)
        if (certificate := part.get("podCertificate")) is not None:
            certificate.setdefault("maxExpirationSeconds", 86400)


def _ephemeral(source: dict[str, Any]) -> None:
    if (template := source.get("volumeClaimTemplate")) is not None:
        template.setdefault("metadata", {})
        default_claim_spec(template.setdefault("spec", {}))


def _image(source: dict[str, Any]) -> None:
    if not source.get("pullPolicy"):
        source["pullPolicy"] = default_pull_policy(source.get("reference") or "")


SOURCES: Final[dict[str, Callable[[dict[str, Any]], None]]] = {
    "secret": default_mode,
    "configMap": default_mode,
    "downwardAPI": _downward,
    "projected": _projected,
    "hostPath": default_host_path,
    "iscsi": default_iscsi,
    "rbd": default_rbd,
    "azureDisk": default_azure_disk,
    "scaleIO": default_scale_io,
    "ephemeral": _ephemeral,
    "image": _image,
}
