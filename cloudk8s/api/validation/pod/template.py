"""Pod templates, and what the kinds that make pods from them have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.field_errors import forbidden
from cloudk8s.api.validation.metadata import validate_annotations, validate_labels
from cloudk8s.api.validation.pod.annotations import check_annotations, check_profiles_match
from cloudk8s.api.validation.pod.spec import check_pod_spec
from cloudk8s.api.validation.values import Errors


def check_pod_template(errors: Errors, path: str, template: Mapping[str, Any]) -> None:
    meta, spec = template.get("metadata") or {}, template.get("spec") or {}
    if labels := meta.get("labels"):
        errors.extend(validate_labels(labels, f"{path}.labels"))
    annotations = meta.get("annotations") or {}
    if annotations:
        errors.extend(validate_annotations(annotations, f"{path}.annotations"))
        check_annotations(errors, f"{path}.annotations", annotations, spec)
    check_pod_spec(errors, f"{path}.spec", spec)
    if annotations:
        check_profiles_match(errors, f"{path}.spec", annotations, spec)
    if spec.get("ephemeralContainers"):
        errors.append(forbidden(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template"))
