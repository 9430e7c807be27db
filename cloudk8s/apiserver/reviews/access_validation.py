"""What upstream refuses in an access review."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.field_errors import FieldError, Rendered, forbidden, invalid, not_supported, required
from cloudk8s.machinery import codec

_ONE_FORM = "when specifying a selector, one of rawSelector or requirements is required"
_FIELD_OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")


def self_review(spec: dict[str, Any]) -> list[FieldError]:
    """Findings in a SelfSubjectAccessReview's spec."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    errors: list[FieldError] = []
    if resource is not None and path is not None:
        detail = "cannot be specified in combination with resourceAttributes"
        errors.append(invalid("spec.nonResourceAttributes", _as_go(path), detail))
    if resource is None and path is None:
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        errors.append(invalid("spec.resourceAttributes", None, detail))
    return errors + _selectors(resource or {})


def subject_review(spec: dict[str, Any]) -> list[FieldError]:
    """Findings in a SubjectAccessReview's spec."""
    errors = self_review(spec)
    if not spec.get("user") and not spec.get("groups"):
        errors.append(invalid("spec.user", "", "at least one of user or group must be specified"))
    return errors


def local_review(spec: dict[str, Any], namespace: str) -> list[FieldError]:
    """Findings in a LocalSubjectAccessReview's spec."""
    errors = subject_review(spec)
    asked, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if asked is not None and asked.get("namespace", "") != namespace:
        value = asked.get("namespace", "")
        errors.append(invalid("spec.resourceAttributes.namespace", value, "must match metadata.namespace"))
    if path is not None:
        errors.append(invalid("spec.nonResourceAttributes", _as_go(path), "disallowed on this kind of request"))
    return errors


def _selectors(asked: dict[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    for name in ("fieldSelector", "labelSelector"):
        selector = asked.get(name)
        if selector is not None:
            errors += _selector(selector, f"spec.resourceAttributes.{name}")
    return errors


def _selector(selector: dict[str, Any], path: str) -> list[FieldError]:
    raw, requirements = selector.get("rawSelector", ""), selector.get("requirements") or []
    errors: list[FieldError] = []
    if raw and requirements:
        errors.append(invalid(f"{path}.rawSelector", raw, "may not specified at the same time as requirements"))
    if not raw and not requirements:
        errors.append(required(f"{path}.requirements", _ONE_FORM))
    for index, requirement in enumerate(requirements):
        errors += _requirement(requirement, f"{path}.requirements[{index}]")
    return errors


def _requirement(requirement: dict[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    values, operator = requirement.get("values") or [], requirement.get("operator", "")
    if not requirement.get("key"):
        errors.append(required(f"{path}.key", "must be specified"))
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(forbidden(f"{path}.values", detail))
    else:
        errors.append(not_supported(f"{path}.operator", operator, _FIELD_OPERATORS))
    return errors


def _as_go(path: dict[str, Any]) -> Rendered:
    """As Go prints the internal struct: its field names have capitals."""
    return Rendered(codec.encode({"Path": path.get("path", ""), "Verb": path.get("verb", "")}).decode())
