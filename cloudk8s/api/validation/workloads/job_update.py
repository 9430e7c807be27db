"""What may change of a Job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.field_errors import invalid
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.values import Errors, check_immutable
from cloudk8s.machinery import codec

_SCHEDULING = ("nodeSelector", "tolerations", "schedulingGates")


def check_job_changes(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    spec, before = new["spec"], old["spec"]
    _check_completions(errors, spec, before)
    _check_fixed(errors, "selector", spec, before, "*LabelSelector")
    _check_template(errors, new, old)
    _check_fixed(errors, "completionMode", spec, before, "*string")
    _check_fixed(errors, "podFailurePolicy", spec, before, "*PodFailurePolicy")
    _check_fixed(errors, "backoffLimitPerIndex", spec, before, "*int")
    _check_fixed(errors, "managedBy", spec, before, "*string")
    _check_fixed(errors, "successPolicy", spec, before, "*SuccessPolicy")


def _check_fixed(errors: Errors, field: str, spec: Mapping[str, Any], before: Mapping[str, Any], go_type: str) -> None:
    if (value := spec.get(field)) != before.get(field):
        shown = value if isinstance(value, str) else go_json(value, go_type)
        check_immutable(errors, f"spec.{field}", value, before.get(field), shown)


def _check_completions(errors: Errors, spec: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    value = spec.get("completions")
    if spec.get("completionMode") != "Indexed":
        check_immutable(errors, "spec.completions", value, before.get("completions"))
    elif value != before.get("completions") and value is not None and value != spec.get("parallelism"):
        errors.append(invalid("spec.completions", value, "can only be modified in tandem with spec.parallelism"))


def _check_template(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    template, before = new["spec"].get("template") or {}, old["spec"].get("template") or {}
    if template == before:
        return
    suspended = bool(old["spec"].get("suspend"))
    if suspended and _is_stopped(old):
        before = _with_scheduling(template, codec.copy(before))
    check_immutable(errors, "spec.template", template, before, go_json(template, "PodTemplateSpec"))


def _is_stopped(job: Mapping[str, Any]) -> bool:
    """A suspended Job has no pods if it never started, or once its condition says so."""
    status = job.get("status") or {}
    return not status.get("startTime") or any(
        condition.get("type") == "Suspended" and condition.get("status") == "True"
        for condition in status.get("conditions") or ()
    )


def _with_scheduling(template: Mapping[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """`before` with all taken from `template` that may change while no pods are there."""
    pod, old_pod = template.get("spec") or {}, before.setdefault("spec", {})
    for field in _SCHEDULING:
        _take(old_pod, pod, field)
    _take_node_affinity(old_pod, pod)
    meta = before.setdefault("metadata", {})
    for field in ("annotations", "labels"):
        _take(meta, template.get("metadata") or {}, field)
    for field in ("containers", "initContainers"):
        _take_resources(old_pod.get(field) or [], pod.get(field) or [])
    return before


def _take(target: dict[str, Any], source: Mapping[str, Any], field: str) -> None:
    if field in source:
        target[field] = source[field]
    else:
        target.pop(field, None)


def _take_node_affinity(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    affinity, before = source.get("affinity"), target.get("affinity")
    if affinity is None and before is None:
        return
    merged = {**(before or {})}
    _take(merged, affinity or {}, "nodeAffinity")
    if merged or affinity is not None:
        target["affinity"] = merged
    else:
        target.pop("affinity", None)


def _take_resources(targets: list[dict[str, Any]], sources: list[dict[str, Any]]) -> None:
    if len(targets) == len(sources):
        for target, source in zip(targets, sources, strict=True):
            _take(target, source, "resources")
