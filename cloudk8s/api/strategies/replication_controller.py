"""ReplicationControllers."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.workload import WorkloadStrategy, default_labels


class ReplicationControllerStrategy(WorkloadStrategy):
    """The ReplicationController kind: selector and labels default to the template's labels."""

    def zero_status(self) -> Object:
        return {"replicas": 0}

    def default_spec(self, obj: Object, spec: Object) -> None:
        template = spec.setdefault("template", {})
        template.setdefault("metadata", {})
        if (labels := template["metadata"].get("labels")) and not spec.get("selector"):
            spec["selector"] = dict(labels)
        default_labels(obj, template)
        spec.setdefault("replicas", 1)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"status.replicas": str((obj.get("status") or {}).get("replicas", 0))}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"status.replicas"})
