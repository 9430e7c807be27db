"""Deployments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import invalid
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.selectors import is_empty, is_valid_label_selector
from cloudk8s.api.validation.values import Errors, check_non_negative
from cloudk8s.api.validation.workloads.counts import check_available, check_collisions, check_counts, check_parts
from cloudk8s.api.validation.workloads.rollout import check_deployment_strategy
from cloudk8s.api.validation.workloads.selection import (
    check_lasting_template,
    check_selector,
    check_template_selected,
)

_COUNTS: Final = (
    "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas",
    "unavailableReplicas", "collisionCount",
)  # fmt: skip


def check_deployment_spec(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    check_non_negative(errors, f"{path}.replicas", spec.get("replicas"))
    check_selection(errors, path, spec)
    check_deployment_strategy(errors, f"{path}.strategy", spec.get("strategy") or {})
    ready, deadline = spec.get("minReadySeconds") or 0, spec.get("progressDeadlineSeconds")
    check_non_negative(errors, f"{path}.minReadySeconds", ready)
    check_non_negative(errors, f"{path}.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    if deadline is not None:
        check_non_negative(errors, f"{path}.progressDeadlineSeconds", deadline)
        if deadline <= ready:
            errors.append(invalid(f"{path}.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))


def check_selection(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    """Selector and template of Deployments and, in the same words, ReplicaSets."""
    selector, template = spec.get("selector"), spec.get("template") or {}
    check_selector(errors, f"{path}.selector", selector, "deployment")
    if not is_valid_label_selector(selector):
        errors.append(invalid(f"{path}.selector", go_json(selector, "*LabelSelector"), "invalid label selector"))
        return
    if selector is None or not is_empty(selector):
        check_template_selected(errors, f"{path}.template", template, selector)
    check_lasting_template(errors, f"{path}.template", template, "ReplicaSet")


def check_deployment_status(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    status = new.get("status") or {}
    check_counts(errors, "status", status, _COUNTS)
    check_parts(errors, "status", status, ("updatedReplicas", "readyReplicas", "availableReplicas"))
    check_available(errors, "status", status, "cannot be greater than readyReplicas")
    check_collisions(errors, new, old)
