"""PersistentVolumes."""

from __future__ import annotations

from datetime import UTC, datetime

from cloudk8s.api.features import FeatureGates
from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.strategies.pod.resource_defaults import round_up
from cloudk8s.api.strategies.pod.volume_defaults import (
    default_azure_disk,
    default_host_path,
    default_iscsi,
    default_rbd,
    default_scale_io,
)
from cloudk8s.api.strategies.volume_warnings import volume_warnings
from cloudk8s.api.validation.core.persistent_volume import check_volume_changes, check_volume_spec
from cloudk8s.machinery.times import format_time

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

    def __init__(self, features: FeatureGates) -> None:
        self._has_phase_times = features.is_on("PersistentVolumeLastPhaseTransitionTime")
        self._has_mutable_affinity = features.is_on("MutablePVNodeAffinity")

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        spec["persistentVolumeReclaimPolicy"] = spec.get("persistentVolumeReclaimPolicy") or "Retain"
        spec.setdefault("volumeMode", "Filesystem")
        round_up(spec.get("capacity"))
        for key, default in _SOURCES.items():
            if (source := spec.get(key)) is not None:
                default(source)
        status = obj.setdefault("status", {})
        status["phase"] = status.get("phase") or "Pending"

    def prepare_create(self, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}
        if self._has_phase_times and (now := obj["metadata"].get("creationTimestamp")):
            obj["status"]["lastPhaseTransitionTime"] = now

    def prepare_status_update(self, new: Object, old: Object) -> None:
        super().prepare_status_update(new, old)
        if not self._has_phase_times:
            return
        status, before = new.setdefault("status", {}), old.get("status") or {}
        changed_at, last = status.get("lastPhaseTransitionTime"), before.get("lastPhaseTransitionTime")
        if status.get("phase") == before.get("phase"):
            if changed_at is None and last is not None:
                status["lastPhaseTransitionTime"] = last
        elif changed_at is None or changed_at == last:
            status["lastPhaseTransitionTime"] = format_time(datetime.now(UTC))

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        """The volume is checked twice, as upstream does."""
        errors = self.check_create(new) * 2
        check_volume_changes(errors, new["spec"], old["spec"], moves=self._has_mutable_affinity)
        return errors

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_volume_spec(errors, "spec", obj["spec"], obj["metadata"].get("name") or "")

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        return volume_warnings(new)
