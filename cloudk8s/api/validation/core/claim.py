"""PersistentVolumeClaims: what may change of them, and their status. Specs are in `validation.claims`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, not_supported, required
from cloudk8s.api.validation.go_value import go_diff
from cloudk8s.api.validation.resources import check_basic, check_name
from cloudk8s.api.validation.values import Errors, check_immutable
from cloudk8s.machinery.quantity import Quantity, parse

CLASS_ANNOTATION: Final = "volume.beta.kubernetes.io/storage-class"
_IMMUTABLE: Final = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)
_RESIZE_STATES: Final = frozenset(
    {
        "ControllerResizeInProgress",
        "ControllerResizeInfeasible",
        "NodeResizePending",
        "NodeResizeInProgress",
        "NodeResizeInfeasible",
    }
)


def check_claim_changes(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    spec, before = new["spec"], old["spec"]
    compared, was = dict(spec), dict(before)
    if not before.get("volumeName"):
        _take(was, spec, "volumeName")
    if _is_class_given(new, old):
        _take(compared, before, "storageClassName")
    if (new.get("status") or {}).get("phase") == "Bound":
        _allow_expansion(compared, before)
    if compared != was:
        difference = go_diff(was, compared, "ClaimSpec")
        errors.append(forbidden("spec", f"{_IMMUTABLE}\n{difference}"))
    _check_size(errors, new, old)
    check_immutable(errors, "volumeMode", spec.get("volumeMode"), before.get("volumeMode"))
    _check_attributes_class(errors, spec.get("volumeAttributesClassName"), before.get("volumeAttributesClassName"))


def check_claim_status(errors: Errors, claim: Mapping[str, Any]) -> None:
    if not (claim.get("spec") or {}).get("accessModes"):
        errors.append(required("Spec.accessModes"))
    status = claim.get("status") or {}
    for name, amount in (status.get("capacity") or {}).items():
        check_basic(errors, f"status.capacity[{name}]", amount)
    path = "status.allocatedResourceStatus"
    for name, state in (status.get("allocatedResourceStatuses") or {}).items():
        check_name(errors, path, name)
        if state not in _RESIZE_STATES:
            errors.append(not_supported(path, state, _RESIZE_STATES))
    path = "status.allocatedResources"
    for name, amount in (status.get("allocatedResources") or {}).items():
        check_name(errors, path, name)
        check_basic(errors, f"{path}[{name}]", amount)


def _allow_expansion(spec: dict[str, Any], before: Mapping[str, Any]) -> None:
    """A bound claim may ask for more, and for other attributes."""
    resources = spec.get("resources") or {}
    if resources.get("requests") is not None:
        requests = dict(resources["requests"])
        _take(requests, (before.get("resources") or {}).get("requests") or {}, "storage")
        spec["resources"] = {**resources, "requests": requests}
    if spec.get("volumeAttributesClassName") is not None:
        _take(spec, before, "volumeAttributesClassName")


def _check_size(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    size = _size(new["spec"])
    if size < _size(old["spec"]):
        capacity = ((old.get("status") or {}).get("capacity") or {}).get("storage", "0")
        if size <= parse(capacity):
            text = "field can not be less than status.capacity"
            errors.append(forbidden("spec.resources.requests.storage", text))


def _check_attributes_class(errors: Errors, name: str | None, before: str | None) -> None:
    if before is None or name == before:
        return
    path = "spec.volumeAttributesClassName"
    if name is None:
        errors.append(forbidden(path, "update from non-nil value to nil is forbidden"))
    elif not name:
        errors.append(forbidden(path, "update from non-nil value to an empty string is forbidden"))


def _is_class_given(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """A claim without a class gets one: from the annotation that came before the field, or at last."""
    name = new["spec"].get("storageClassName")
    if old["spec"].get("storageClassName") is not None or name is None:
        return False
    annotated, before = ((obj["metadata"].get("annotations") or {}).get(CLASS_ANNOTATION) for obj in (new, old))
    if before is None:
        return annotated is None
    return annotated in (None, before) and name == before


def _size(spec: Mapping[str, Any]) -> Quantity:
    return parse(((spec.get("resources") or {}).get("requests") or {}).get("storage", "0"))


def _take(target: dict[str, Any], source: Mapping[str, Any], field: str) -> None:
    if field in source:
        target[field] = source[field]
    else:
        target.pop(field, None)
