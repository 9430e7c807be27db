"""What a workload selects, and whether the pods of its template are among it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.field_errors import forbidden, invalid, not_supported, required
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.pod.template import check_pod_template
from cloudk8s.api.validation.selectors import check_label_selector, is_empty, matches
from cloudk8s.api.validation.values import Errors, check_immutable


def check_selector(errors: Errors, path: str, selector: Mapping[str, Any] | None, kind: str) -> None:
    if selector is None:
        errors.append(required(path))
        return
    check_label_selector(errors, path, selector)
    check_not_empty(errors, path, selector, kind)


def check_not_empty(errors: Errors, path: str, selector: Mapping[str, Any] | None, kind: str) -> None:
    if selector is not None and is_empty(selector):
        shown = go_json(selector, "LabelSelector")
        errors.append(invalid(path, shown, f"empty selector is invalid for {kind}"))


def check_selector_immutable(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    selector, before = new["spec"].get("selector"), old["spec"].get("selector")
    check_immutable(errors, "spec.selector", selector, before, go_json(selector, "*LabelSelector"))


def check_template_selected(
    errors: Errors, path: str, template: Mapping[str, Any], selector: Mapping[str, Any] | None
) -> None:
    """A selector that is there but says nothing matches all templates; an absent one matches none."""
    labels = (template.get("metadata") or {}).get("labels")
    if not matches(selector, labels or {}):
        text = "`selector` does not match template `labels`"
        errors.append(invalid(f"{path}.metadata.labels", go_json(labels, "map:string"), text))


def check_lasting_template(errors: Errors, path: str, template: Mapping[str, Any], kind: str) -> None:
    """A template of pods that run until they are deleted."""
    check_pod_template(errors, path, template)
    check_lasting(errors, path, template, kind)


def check_lasting(errors: Errors, path: str, template: Mapping[str, Any], kind: str) -> None:
    spec = template.get("spec") or {}
    if (policy := spec.get("restartPolicy") or "") != "Always":
        errors.append(not_supported(f"{path}.spec.restartPolicy", policy, ["Always"]))
    if spec.get("activeDeadlineSeconds") is not None:
        text = f"activeDeadlineSeconds in {kind} is not Supported"
        errors.append(forbidden(f"{path}.spec.activeDeadlineSeconds", text))
