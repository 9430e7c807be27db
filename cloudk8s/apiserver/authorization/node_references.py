"""What a pod, or a volume, makes its node need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Reference = tuple[str, str, str]
"""Plural, namespace and name."""

_VOLUME_SECRETS = (
    ("azureFile", "secretName", "secretNamespace"),
    ("cephfs", "secretRef", ""),
    ("cinder", "secretRef", ""),
    ("flexVolume", "secretRef", ""),
    ("iscsi", "secretRef", ""),
    ("rbd", "secretRef", ""),
    ("scaleIO", "secretRef", ""),
    ("storageos", "secretRef", ""),
    ("csi", "controllerPublishSecretRef", ""),
    ("csi", "nodeExpandSecretRef", ""),
    ("csi", "nodePublishSecretRef", ""),
    ("csi", "nodeStageSecretRef", ""),
)


def pod_references(pod: Mapping[str, Any]) -> frozenset[Reference]:
    """Everything that a pod's node may read because of it, the pod itself included."""
    metadata, spec = pod["metadata"], pod.get("spec", {})
    namespace = metadata.get("namespace", "")
    found = {("pods", namespace, metadata["name"])}
    if "kubernetes.io/config.mirror" in (metadata.get("annotations") or {}):
        return frozenset(found)  # a mirror pod gives its node nothing: the node itself made it
    found |= {(plural, namespace, name) for plural, name in _names(spec, metadata["name"])}
    found |= {("resourceclaims", namespace, name) for name in _claims(pod)}
    return frozenset(found)


def volume_secrets(volume: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Namespace and name of the secrets that a PersistentVolume is mounted with."""
    spec = volume.get("spec", {})
    claim_namespace = (spec.get("claimRef") or {}).get("namespace", "")
    found = set()
    for source, field, namespace_field in _VOLUME_SECRETS:
        held = spec.get(source) or {}
        reference = held.get(field)
        if isinstance(reference, str) and reference:
            found.add((held.get(namespace_field) or claim_namespace, reference))
        elif isinstance(reference, dict):
            found.add((reference.get("namespace") or claim_namespace, reference.get("name", "")))
    return frozenset(found)


def _names(spec: Mapping[str, Any], pod_name: str) -> Iterator[tuple[str, str]]:
    if spec.get("serviceAccountName"):
        yield "serviceaccounts", spec["serviceAccountName"]
    for reference in spec.get("imagePullSecrets") or ():
        yield "secrets", reference.get("name", "")
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(kind) or ():
            yield from _of_container(container)
    for volume in spec.get("volumes") or ():
        yield from _of_volume(volume, pod_name)


def _of_container(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for source in container.get("envFrom") or ():
        yield from _referred(source, "secretRef", "configMapRef")
    for variable in container.get("env") or ():
        yield from _referred(variable.get("valueFrom") or {}, "secretKeyRef", "configMapKeyRef")


def _of_volume(volume: Mapping[str, Any], pod_name: str) -> Iterator[tuple[str, str]]:
    if "secret" in volume:
        yield "secrets", volume["secret"].get("secretName", "")
    if "configMap" in volume:
        yield "configmaps", volume["configMap"].get("name", "")
    if "persistentVolumeClaim" in volume:
        yield "persistentvolumeclaims", volume["persistentVolumeClaim"].get("claimName", "")
    if "ephemeral" in volume:
        yield "persistentvolumeclaims", f"{pod_name}-{volume['name']}"
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield from _referred(source, "secret", "configMap")
    for held in volume.values():
        if isinstance(held, dict):
            for field in ("secretRef", "nodePublishSecretRef"):
                yield "secrets", (held.get(field) or {}).get("name", "")
            if isinstance(held.get("secretName"), str) and "shareName" in held:
                yield "secrets", held["secretName"]


def _referred(source: Mapping[str, Any], secret: str, config_map: str) -> Iterator[tuple[str, str]]:
    if source.get(secret):
        yield "secrets", source[secret].get("name", "")
    if source.get(config_map):
        yield "configmaps", source[config_map].get("name", "")


def _claims(pod: Mapping[str, Any]) -> Iterator[str]:
    """Claims by name, and those made from a template, whose names the status has."""
    for claim in pod.get("spec", {}).get("resourceClaims") or ():
        if claim.get("resourceClaimName"):
            yield claim["resourceClaimName"]
    status = pod.get("status") or {}
    for made in status.get("resourceClaimStatuses") or ():
        if made.get("resourceClaimName"):
            yield made["resourceClaimName"]
    extended = status.get("extendedResourceClaimStatus") or {}
    if extended.get("resourceClaimName"):
        yield extended["resourceClaimName"]
