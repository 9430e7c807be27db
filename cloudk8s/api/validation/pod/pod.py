"""Pods themselves, as they are created."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.field_errors import forbidden
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.pod.annotations import check_annotations, check_profiles_match
from cloudk8s.api.validation.pod.containers import check_image_padding
from cloudk8s.api.validation.pod.known import KnownSpecs
from cloudk8s.api.validation.pod.spec import check_pod_spec
from cloudk8s.api.validation.values import Errors


def validate_pod_create(pod: Mapping[str, Any], known: KnownSpecs) -> Errors:
    errors = validate_metadata_and_spec(pod, known)
    spec = pod["spec"]
    if spec.get("ephemeralContainers"):
        errors.append(forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        text = "cannot be set until all schedulingGates have been cleared"
        errors.append(forbidden("spec.nodeName", text))
    if annotations := pod["metadata"].get("annotations"):
        check_profiles_match(errors, "spec", annotations, spec)
    return errors


def validate_metadata_and_spec(pod: Mapping[str, Any], known: KnownSpecs) -> Errors:
    """What holds for a pod at any time."""
    meta, spec = pod["metadata"], pod["spec"]
    errors = metadata.validate(meta, namespaced=True)
    if annotations := meta.get("annotations"):
        check_annotations(errors, "metadata.annotations", annotations, spec)
    if not known.is_sound(spec):
        before = len(errors)
        _check_own_spec(errors, spec, meta.get("name") or "")
        if len(errors) == before:
            known.note_sound(spec)
    return errors


def _check_own_spec(errors: Errors, spec: Mapping[str, Any], name: str) -> None:
    check_pod_spec(errors, "spec", spec, is_pod=True, pod_name=name)
    if not spec.get("serviceAccountName"):
        _check_no_tokens(errors, spec)
    for field in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            check_image_padding(errors, f"spec.{field}[{index}]", container)


def _check_no_tokens(errors: Errors, spec: Mapping[str, Any]) -> None:
    for index, volume in enumerate(spec.get("volumes") or ()):
        for position, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
            if source.get("serviceAccountToken") is not None:
                at = f"spec.volumes[{index}].projected.sources[{position}].serviceAccountToken"
                errors.append(forbidden(at, "must not be specified when serviceAccountName is not set"))
