"""StatefulSets."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.persistent_volume_claim import default_claim
from cloudk8s.api.strategies.workload import WorkloadStrategy


class StatefulSetStrategy(WorkloadStrategy):
    """The StatefulSet kind."""

    def zero_status(self) -> Object:
        return {"replicas": 0, "availableReplicas": 0}

    def default_spec(self, obj: Object, spec: Object) -> None:
        spec["podManagementPolicy"] = spec.get("podManagementPolicy") or "OrderedReady"
        strategy = spec.setdefault("updateStrategy", {})
        if not strategy.get("type"):
            strategy["type"] = "RollingUpdate"
            strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
        elif strategy["type"] == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
            strategy["rollingUpdate"].setdefault("partition", 0)
        retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
        for when in ("whenDeleted", "whenScaled"):
            retention[when] = retention.get(when) or "Retain"
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
        for claim in spec.get("volumeClaimTemplates") or ():
            claim["kind"], claim["apiVersion"] = "PersistentVolumeClaim", "v1"
            claim.setdefault("metadata", {})
            default_claim(claim)
