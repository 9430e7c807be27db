"""ReplicaSets."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of
from cloudk8s.api.strategies.pod.defaults import default_pod_template


class ReplicaSetStrategy(SpecStatusStrategy):
    """The ReplicaSet kind."""

    def zero_status(self) -> Object:
        return {"replicas": 0}

    def set_defaults(self, obj: Object) -> None:
        self.default_status(obj)
        spec = spec_of(obj)
        spec.setdefault("replicas", 1)
        default_pod_template(spec.setdefault("template", {}))

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"status.replicas": str((obj.get("status") or {}).get("replicas", 0))}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"status.replicas"})
