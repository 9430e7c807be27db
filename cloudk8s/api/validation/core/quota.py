"""ResourceQuotas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import invalid, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.resources import check_quantity, check_quota_name, is_standard_quota
from cloudk8s.api.validation.values import Errors

_POD_COUNT: Final = frozenset({"pods"})
_PODS: Final = _POD_COUNT | {
    "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory",
}  # fmt: skip
_APPLIES_TO: Final = {
    "Terminating": _PODS,
    "NotTerminating": _PODS,
    "BestEffort": _POD_COUNT,
    "NotBestEffort": _PODS,
    "PriorityClass": _PODS,
    "CrossNamespacePodAffinity": _PODS,
    "VolumeAttributesClass": frozenset({"persistentvolumeclaims", "requests.storage"}),
}
"""Scopes and the resources that they make sense for."""
_WITHOUT_VALUES: Final = frozenset(_APPLIES_TO) - {"PriorityClass", "VolumeAttributesClass"}
_CONFLICTS: Final = (frozenset({"BestEffort", "NotBestEffort"}), frozenset({"Terminating", "NotTerminating"}))
_EXISTS_WANTED: Final = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)
_NOT_APPLICABLE: Final = "unsupported scope applied to resource"


def check_quota_spec(errors: Errors, spec: Mapping[str, Any]) -> None:
    hard = spec.get("hard") or {}
    check_amounts(errors, "spec.hard", hard)
    scopes = spec.get("scopes") or []
    for scope in scopes:
        if scope not in _APPLIES_TO:
            errors.append(invalid("spec.scopes", scopes, "unsupported scope"))
        errors.extend(invalid("spec.scopes", scopes, _NOT_APPLICABLE) for _ in _not_applicable(scope, hard))
    _check_conflicts(errors, "spec.scopes", set(scopes), scopes)
    if (selector := spec.get("scopeSelector")) is not None:
        _check_selector(errors, "spec.scopeSelector.matchExpressions", selector, spec)


def check_quota_status(errors: Errors, status: Mapping[str, Any]) -> None:
    for field in ("hard", "used"):
        check_amounts(errors, f"status.{field}", status.get(field) or {})


def check_scopes_kept(errors: Errors, spec: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    scopes = spec.get("scopes")
    if set(scopes or ()) != set(old.get("scopes") or ()):
        errors.append(invalid("spec.scopes", scopes, names.IMMUTABLE))


def check_amounts(errors: Errors, path: str, amounts: Mapping[str, Any]) -> None:
    for name, amount in amounts.items():
        check_quota_name(errors, f"{path}[{name}]", name)
        check_quantity(errors, f"{path}[{name}]", name, amount)


def _check_selector(errors: Errors, path: str, selector: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    found: set[str] = set()
    for requirement in selector.get("matchExpressions") or ():
        scope = requirement.get("scopeName") or ""
        if scope not in _APPLIES_TO:
            errors.append(invalid(f"{path}.scopeName", scope, "unsupported scope"))
        for _ in _not_applicable(scope, spec.get("hard") or {}):
            errors.append(invalid(path, go_json(selector, "ScopeSelector"), _NOT_APPLICABLE))
        _check_requirement(errors, path, requirement, scope)
        found.add(scope)
    _check_conflicts(errors, path, found, spec.get("scopes"))


def _check_requirement(errors: Errors, path: str, requirement: Mapping[str, Any], scope: str) -> None:
    operator, values = requirement.get("operator") or "", requirement.get("values") or []
    if scope in _WITHOUT_VALUES and operator != "Exists":
        errors.append(invalid(f"{path}.operator", operator, _EXISTS_WANTED))
    if operator in ("In", "NotIn"):
        if not values:
            text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            errors.append(required(f"{path}.values", text))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            errors.append(invalid(f"{path}.values", values, text))
    else:
        errors.append(invalid(f"{path}.operator", operator, "not a valid selector operator"))


def _not_applicable(scope: str, hard: Iterable[str]) -> list[str]:
    applicable = _APPLIES_TO.get(scope)
    if applicable is None:
        return []
    return [name for name in sorted(hard) if is_standard_quota(name) and name not in applicable]


def _check_conflicts(errors: Errors, path: str, scopes: set[str], shown: list[str] | None) -> None:
    for pair in _CONFLICTS:
        if pair <= scopes:
            errors.append(invalid(path, shown, "conflicting scopes"))
