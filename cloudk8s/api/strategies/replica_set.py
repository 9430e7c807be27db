"""ReplicaSets."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.workload import WorkloadStrategy


class ReplicaSetStrategy(WorkloadStrategy):
    """The ReplicaSet kind."""

    def zero_status(self) -> Object:
        return {"replicas": 0}

    def default_spec(self, obj: Object, spec: Object) -> None:
        spec.setdefault("replicas", 1)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"status.replicas": str((obj.get("status") or {}).get("replicas", 0))}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"status.replicas"})
