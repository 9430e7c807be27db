"""Deployments."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.workload import WorkloadStrategy
from cloudk8s.api.validation.workloads.deployment import check_deployment_spec, check_deployment_status
from cloudk8s.api.validation.workloads.selection import check_selector_immutable


class DeploymentStrategy(WorkloadStrategy):
    """The Deployment kind."""

    status_keeps = "spec+labels"

    def default_spec(self, obj: Object, spec: Object) -> None:
        spec.setdefault("replicas", 1)
        strategy = spec.setdefault("strategy", {})
        if not strategy.get("type"):
            strategy["type"] = "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", "25%")
            rolling.setdefault("maxSurge", "25%")
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)

    def spec_changed(self, new: Object, old: Object) -> bool:
        """A rollout also begins when annotations change."""
        if new.get("spec") != old.get("spec"):
            return True
        return bool(_annotations(new) != _annotations(old))

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_deployment_spec(errors, "spec", obj["spec"])

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_selector_immutable(errors, new, old)

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_deployment_status(errors, new, old)


def _annotations(obj: Object) -> Object:
    annotations: Object = obj["metadata"].get("annotations") or {}
    return annotations
