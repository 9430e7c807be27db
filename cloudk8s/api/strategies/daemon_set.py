"""DaemonSets."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.workload import WorkloadStrategy
from cloudk8s.api.validation.workloads.daemon_set import check_daemon_set_spec, check_daemon_set_status
from cloudk8s.api.validation.workloads.selection import check_selector_immutable

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_COUNTS = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")


class DaemonSetStrategy(WorkloadStrategy):
    """The DaemonSet kind: an annotation counts the changes of its template."""

    checks_updates_as_new = True
    names_hosts = False

    def zero_status(self) -> Object:
        return dict.fromkeys(_COUNTS, 0)

    def default_spec(self, obj: Object, spec: Object) -> None:
        annotations = obj["metadata"].get("annotations") or {}
        obj["metadata"]["annotations"] = {TEMPLATE_GENERATION: "0"} | annotations
        strategy = spec.setdefault("updateStrategy", {})
        if not strategy.get("type"):
            strategy["type"] = "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", 1)
            rolling.setdefault("maxSurge", 0)
        spec.setdefault("revisionHistoryLimit", 10)

    def prepare_create(self, obj: Object) -> None:
        super().prepare_create(obj)
        annotations = obj["metadata"]["annotations"]
        annotations[TEMPLATE_GENERATION] = str(max(1, _number(annotations)))

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        super().prepare_update(new, old, subresource)
        generation = _number(old["metadata"].get("annotations") or {})
        if not subresource and new["spec"].get("template") != old["spec"].get("template"):
            generation += 1
        new["metadata"]["annotations"][TEMPLATE_GENERATION] = str(generation)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_daemon_set_spec(errors, "spec", obj["spec"])

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_selector_immutable(errors, new, old)

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_daemon_set_status(errors, new, old)


def _number(annotations: dict[str, str]) -> int:
    text = annotations.get(TEMPLATE_GENERATION, "0")
    return int(text) if text.isdecimal() else 0
