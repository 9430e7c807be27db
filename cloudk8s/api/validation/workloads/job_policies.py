"""What makes a Job fail or succeed early: pod failure policy, success policy, replacement of pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import OMITTED, duplicate, invalid, not_supported, required, too_long, too_many
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.values import Errors, check_non_negative, check_rule
from cloudk8s.api.validation.workloads.job_indexes import IndexesError, count_indexes

_RULES: Final = 20
_EXIT_CODES: Final = 255
_INDEXES_BYTES: Final = 64 * 1024
_ACTIONS: Final = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS: Final = ("In", "NotIn")
_STATUSES: Final = ("False", "True", "Unknown")


def check_failure_policy(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    rules = spec["podFailurePolicy"].get("rules") or ()
    if len(rules) > _RULES:
        errors.append(too_many(f"{path}.rules", len(rules), _RULES))
    pod = (spec.get("template") or {}).get("spec") or {}
    containers = [*(pod.get("containers") or ()), *(pod.get("initContainers") or ())]
    known = {container.get("name") for container in containers}
    for index, rule in enumerate(rules):
        _check_failure_rule(errors, f"{path}.rules[{index}]", rule, spec, known)


def check_success_policy(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    policy = spec.get("successPolicy")
    if policy is None:
        return
    if spec.get("completionMode") != "Indexed":
        errors.append(invalid(path, go_json(policy, "SuccessPolicy"), "requires indexed completion mode"))
        return
    rules = policy.get("rules") or ()
    if not rules:
        text = "at least one rules must be specified when the successPolicy is specified"
        errors.append(required(f"{path}.rules", text))
    if len(rules) > _RULES:
        errors.append(too_many(f"{path}.rules", len(rules), _RULES))
    for index, rule in enumerate(rules):
        _check_success_rule(errors, f"{path}.rules[{index}]", rule, spec.get("completions") or 0)


def check_replacement(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    if (policy := spec.get("podReplacementPolicy")) is None:
        return
    allowed = ["Failed"] if spec.get("podFailurePolicy") is not None else ["Failed", "TerminatingOrFailed"]
    if policy not in allowed:
        errors.append(not_supported(path, policy, allowed))


def _check_failure_rule(
    errors: Errors, path: str, rule: Mapping[str, Any], spec: Mapping[str, Any], known: set[Any]
) -> None:
    action, codes, conditions = rule.get("action") or "", rule.get("onExitCodes"), rule.get("onPodConditions") or ()
    if action == "FailIndex":
        if spec.get("backoffLimitPerIndex") is None:
            errors.append(invalid(f"{path}.action", action, "requires the backoffLimitPerIndex to be set"))
    else:
        _check_choice(errors, f"{path}.action", action, _ACTIONS)
    if codes is not None:
        _check_exit_codes(errors, f"{path}.onExitCodes", codes, known)
    if conditions:
        _check_conditions(errors, f"{path}.onPodConditions", conditions)
    if codes is not None and conditions:
        text = "specifying both OnExitCodes and OnPodConditions is not supported"
        errors.append(invalid(path, OMITTED, text))
    if codes is None and not conditions:
        errors.append(invalid(path, OMITTED, "specifying one of OnExitCodes and OnPodConditions is required"))


def _check_choice(errors: Errors, path: str, value: str, allowed: Sequence[str]) -> None:
    if not value:
        shown = " ".join(f'"{item}"' for item in allowed)
        errors.append(required(path, f"valid values: [{shown}]"))
    elif value not in allowed:
        errors.append(not_supported(path, value, allowed))


def _check_conditions(errors: Errors, path: str, conditions: Sequence[Mapping[str, Any]]) -> None:
    if len(conditions) > _RULES:
        errors.append(too_many(path, len(conditions), _RULES))
    for index, condition in enumerate(conditions):
        check_rule(errors, f"{path}[{index}].type", condition.get("type") or "", names.qualified_name)
        _check_choice(errors, f"{path}[{index}].status", condition.get("status") or "", _STATUSES)


def _check_exit_codes(errors: Errors, path: str, codes: Mapping[str, Any], known: set[Any]) -> None:
    operator, values = codes.get("operator") or "", codes.get("values") or []
    _check_choice(errors, f"{path}.operator", operator, _OPERATORS)
    container = codes.get("containerName")
    if container is not None and container not in known:
        text = "must be one of the container or initContainer names in the pod template"
        errors.append(invalid(f"{path}.containerName", container, text))
    if not values:
        errors.append(invalid(f"{path}.values", codes.get("values"), "at least one value is required"))
    elif len(values) > _EXIT_CODES:
        errors.append(too_many(f"{path}.values", len(values), _EXIT_CODES))
    for index, value in enumerate(values):
        if operator == "In" and value == 0:
            errors.append(invalid(f"{path}.values[{index}]", value, "must not be 0 for the In operator"))
        if value in values[:index]:
            errors.append(duplicate(f"{path}.values[{index}]", value))
    if any(values[index - 1] > value for index, value in enumerate(values) if index):
        errors.append(invalid(f"{path}.values", values, "must be ordered"))


def _check_success_rule(errors: Errors, path: str, rule: Mapping[str, Any], completions: int) -> None:
    count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
    if count is None and indexes is None:
        errors.append(required(path, "at least one of succeededCount or succeededIndexes must be specified"))
    total = 0
    if indexes is not None:
        if len(indexes) > _INDEXES_BYTES:
            errors.append(too_long(f"{path}.succeededIndexes", _INDEXES_BYTES))
        try:
            total = count_indexes(indexes, completions)
        except IndexesError as error:
            text = f"error parsing succeededIndexes: {error}"
            errors.append(invalid(f"{path}.succeededIndexes", indexes, text))
    if count is not None:
        check_non_negative(errors, f"{path}.succeededCount", count)
        if count > completions:
            text = f"must be less than or equal to {completions} (the number of specified completions)"
            errors.append(invalid(f"{path}.succeededCount", count, text))
        if indexes is not None and count > total:
            text = (
                f"must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
            )
            errors.append(invalid(f"{path}.succeededCount", count, text))
