"""StatefulSets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cloudk8s.api.features import FeatureGates
from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.claim_warnings import claim_warnings
from cloudk8s.api.strategies.persistent_volume_claim import default_claim
from cloudk8s.api.strategies.workload import WorkloadStrategy
from cloudk8s.api.validation import names
from cloudk8s.api.validation.workloads.stateful_set import (
    check_stateful_set_changes,
    check_stateful_set_spec,
    check_stateful_set_status,
)

_HISTORY: Final = (
    "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
)


class StatefulSetStrategy(WorkloadStrategy):
    """The StatefulSet kind."""

    def __init__(self, features: FeatureGates) -> None:
        self._has_max_unavailable = features.is_on("MaxUnavailableStatefulSet")
        self._has_retention = features.is_on("StatefulSetAutoDeletePVC")

    def zero_status(self) -> Object:
        return {"replicas": 0, "availableReplicas": 0}

    def default_spec(self, obj: Object, spec: Object) -> None:
        spec["podManagementPolicy"] = spec.get("podManagementPolicy") or "OrderedReady"
        strategy = spec.setdefault("updateStrategy", {})
        if not strategy.get("type"):
            strategy["type"] = "RollingUpdate"
            strategy.setdefault("rollingUpdate", {})
        if strategy["type"] == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
            strategy["rollingUpdate"].setdefault("partition", 0)
            if self._has_max_unavailable:
                strategy["rollingUpdate"].setdefault("maxUnavailable", 1)
        if self._has_retention:
            retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
            for when in ("whenDeleted", "whenScaled"):
                retention[when] = retention.get(when) or "Retain"
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
        for claim in spec.get("volumeClaimTemplates") or ():
            claim["kind"], claim["apiVersion"] = "PersistentVolumeClaim", "v1"
            claim.setdefault("metadata", {})
            default_claim(claim)

    def prepare_create(self, obj: Object) -> None:
        super().prepare_create(obj)
        if not self._has_max_unavailable:
            _drop_disabled(obj["spec"], {})

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        super().prepare_update(new, old, subresource)
        if not self._has_max_unavailable:
            _drop_disabled(new["spec"], old["spec"])

    def validate_name(self) -> Callable[[str], list[str]]:
        return names.dns_label

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_stateful_set_spec(errors, "spec", obj["spec"])

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_stateful_set_changes(errors, new, old)

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_stateful_set_status(errors, new, old)

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        warnings = super().warnings(new, old)
        spec = new["spec"]
        if spec.get("revisionHistoryLimit", 0) < 0:
            warnings.append(_HISTORY)
        for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
            warnings += claim_warnings(f"spec.volumeClaimTemplates[{index}].Spec", claim.get("spec") or {})
        return warnings


def _drop_disabled(spec: Object, old: Object) -> None:
    """A field whose gate is off stays only where it was."""
    rolling = (spec.get("updateStrategy") or {}).get("rollingUpdate")
    before = (old.get("updateStrategy") or {}).get("rollingUpdate") or {}
    if rolling and before.get("maxUnavailable") is None:
        rolling.pop("maxUnavailable", None)
