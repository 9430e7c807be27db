"""PodDisruptionBudgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import invalid
from cloudk8s.api.validation.conditions import check_conditions
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.selectors import check_label_selector
from cloudk8s.api.validation.values import Errors, check_optional
from cloudk8s.api.validation.workloads.counts import check_counts
from cloudk8s.api.validation.workloads.rollout import check_at_most_all, check_count_or_percent

_COUNTS: Final = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


def check_budget_spec(errors: Errors, spec: Mapping[str, Any]) -> None:
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and most is not None:
        text = "minAvailable and maxUnavailable cannot be both set"
        errors.append(invalid("spec", go_json(spec, "BudgetSpec"), text))
    for field, value in (("minAvailable", least), ("maxUnavailable", most)):
        if value is not None:
            check_count_or_percent(errors, f"spec.{field}", value)
            check_at_most_all(errors, f"spec.{field}", value)
    check_label_selector(errors, "spec.selector", spec.get("selector"))
    policies = ["AlwaysAllow", "IfHealthyBudget"]
    check_optional(errors, "spec.unhealthyPodEvictionPolicy", spec.get("unhealthyPodEvictionPolicy"), policies)


def check_budget_status(errors: Errors, status: Mapping[str, Any]) -> None:
    check_conditions(errors, "status.conditions", status.get("conditions") or ())
    check_counts(errors, "status", status, _COUNTS)
