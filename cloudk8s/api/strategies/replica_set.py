"""ReplicaSets."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.workload import WorkloadStrategy
from cloudk8s.api.validation.workloads.replica_set import check_replica_set_spec, check_replica_status
from cloudk8s.api.validation.workloads.selection import check_selector_immutable


class ReplicaSetStrategy(WorkloadStrategy):
    """The ReplicaSet kind."""

    checks_updates_as_new = True

    def zero_status(self) -> Object:
        return {"replicas": 0}

    def default_spec(self, obj: Object, spec: Object) -> None:
        spec.setdefault("replicas", 1)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"status.replicas": str((obj.get("status") or {}).get("replicas", 0))}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"status.replicas"})

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_replica_set_spec(errors, "spec", obj["spec"])

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_selector_immutable(errors, new, old)

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_replica_status(errors, new.get("status") or {})
