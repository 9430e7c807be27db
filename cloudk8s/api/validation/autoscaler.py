"""HorizontalPodAutoscalers, seen in their v2 form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.autoscaler_metrics import check_metrics, check_target
from cloudk8s.api.validation.values import Errors
from cloudk8s.machinery.quantity import parse

_SELECT_POLICIES: Final = frozenset({"Disabled", "Max", "Min"})
_POLICY_TYPES: Final = frozenset({"Percent", "Pods"})
_WINDOW_MAX: Final = 3600
_PERIOD_MAX: Final = 1800


def check_autoscaler_spec(
    errors: Errors, spec: Mapping[str, Any], old: Mapping[str, Any] | None, *, least: int = 1
) -> None:
    """`least` is the lowest `minReplicas` that may be asked for; one that is there already stays allowed."""
    fewest, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    lowest = 0 if old is not None and old.get("minReplicas") == 0 else least
    if fewest is not None and fewest < lowest:
        errors.append(invalid("spec.minReplicas", fewest, f"must be greater than or equal to {lowest}"))
    if most < 1:
        errors.append(required("spec.maxReplicas", "must be set and greater than 0"))
    if fewest is not None and most < fewest:
        errors.append(invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    target = spec.get("scaleTargetRef") or {}
    check_target(errors, "spec.scaleTargetRef", target, grouped=not _was_ungrouped(old))
    check_metrics(errors, "spec.metrics", spec.get("metrics") or (), fewest)
    for direction in ("scaleUp", "scaleDown"):
        if (rules := (spec.get("behavior") or {}).get(direction)) is not None:
            _check_rules(errors, f"spec.behavior.{direction}", rules)


def _was_ungrouped(old: Mapping[str, Any] | None) -> bool:
    target = (old or {}).get("scaleTargetRef") or {}
    return old is not None and "/" not in (target.get("apiVersion") or "")


def _check_rules(errors: Errors, path: str, rules: Mapping[str, Any]) -> None:
    window, select = rules.get("stabilizationWindowSeconds"), rules.get("selectPolicy")
    at = f"{path}.stabilizationWindowSeconds"
    if window is not None and window < 0:
        errors.append(invalid(at, window, "must be greater than or equal to zero"))
    if window is not None and window > _WINDOW_MAX:
        errors.append(invalid(at, window, f"must be less than or equal to {_WINDOW_MAX}"))
    if select is not None and select not in _SELECT_POLICIES:
        errors.append(not_supported(f"{path}.selectPolicy", select, _SELECT_POLICIES))
    policies = rules.get("policies") or ()
    if not policies:
        errors.append(required(f"{path}.policies", "must specify at least one Policy"))
    for index, policy in enumerate(policies):
        _check_policy(errors, f"{path}.policies[{index}]", policy)
    tolerance = rules.get("tolerance")
    if tolerance is not None and (quantity := parse(tolerance)).nanos < 0:
        errors.append(invalid(f"{path}.tolerance", str(quantity), names.NON_NEGATIVE))


def _check_policy(errors: Errors, path: str, policy: Mapping[str, Any]) -> None:
    kind, value, period = policy.get("type") or "", policy.get("value") or 0, policy.get("periodSeconds") or 0
    if kind not in _POLICY_TYPES:
        errors.append(not_supported(f"{path}.type", kind, _POLICY_TYPES))
    if value <= 0:
        errors.append(invalid(f"{path}.value", value, "must be greater than zero"))
    if period <= 0:
        errors.append(invalid(f"{path}.periodSeconds", period, "must be greater than zero"))
    if period > _PERIOD_MAX:
        errors.append(invalid(f"{path}.periodSeconds", period, f"must be less than or equal to {_PERIOD_MAX}"))
