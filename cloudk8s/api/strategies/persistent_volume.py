"""PersistentVolumes."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.strategies.pod.volume_defaults import (
    default_azure_disk,
    default_host_path,
    default_iscsi,
    default_rbd,
    default_scale_io,
)

_SOURCES = {
    "hostPath": default_host_path,
    "iscsi": default_iscsi,
    "rbd": default_rbd,
    "azureDisk": default_azure_disk,
    "scaleIO": default_scale_io,
}


class PersistentVolumeStrategy(BuiltinStrategy):
    """The PersistentVolume kind."""

    namespaced = False
    has_status = True

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        spec["persistentVolumeReclaimPolicy"] = spec.get("persistentVolumeReclaimPolicy") or "Retain"
        spec.setdefault("volumeMode", "Filesystem")
        for key, default in _SOURCES.items():
            if (source := spec.get(key)) is not None:
                default(source)
        status = obj.setdefault("status", {})
        status["phase"] = status.get("phase") or "Pending"

    def prepare_create(self, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}
        if now := obj["metadata"].get("creationTimestamp"):
            obj["status"]["lastPhaseTransitionTime"] = now

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        # Upstream offers metadata.name a second time under the short label `name`.
        return {"name": obj["metadata"].get("name", "")}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"name"})
