"""What the workload kinds share: defaults of their pod template."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of
from cloudk8s.api.strategies.pod.defaults import default_pod_template


class WorkloadStrategy(SpecStatusStrategy):
    """A kind that makes pods from `spec.template`."""

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        self.default_spec(obj, spec)
        default_pod_template(spec.setdefault("template", {}))
        self.default_status(obj)

    def default_spec(self, obj: Object, spec: Object) -> None:
        """Defaults of the spec besides the pod template."""


def default_labels(obj: Object, template: Object) -> None:
    """A workload without labels gets those of its template."""
    if (labels := template["metadata"].get("labels")) and not obj["metadata"].get("labels"):
        obj["metadata"]["labels"] = dict(labels)
