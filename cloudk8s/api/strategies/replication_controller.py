"""ReplicationControllers."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import spec_of
from cloudk8s.api.strategies.pod.defaults import default_pod_template
from cloudk8s.api.strategies.workload import WorkloadStrategy, default_labels
from cloudk8s.api.validation.workloads.replica_set import check_replica_status, check_replication_controller_spec


class ReplicationControllerStrategy(WorkloadStrategy):
    """The ReplicationController kind: selector and labels default to the template's labels."""

    checks_updates_as_new = True

    def zero_status(self) -> Object:
        return {"replicas": 0}

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        spec.setdefault("replicas", 1)
        if (template := spec.get("template")) is not None:
            _default_selection(obj, spec, template)
            default_pod_template(template)
        self.default_status(obj)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"status.replicas": str((obj.get("status") or {}).get("replicas", 0))}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"status.replicas"})

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_replication_controller_spec(errors, "spec", obj["spec"])

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_replica_status(errors, new.get("status") or {})


def _default_selection(obj: Object, spec: Object, template: Object) -> None:
    if (labels := template.setdefault("metadata", {}).get("labels")) and not spec.get("selector"):
        spec["selector"] = dict(labels)
    default_labels(obj, template)
