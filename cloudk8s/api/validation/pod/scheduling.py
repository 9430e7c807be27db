"""Tolerations, taints, topology spread, scheduling gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import FieldError, duplicate, forbidden, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.selectors import check_label_selector
from cloudk8s.api.validation.values import Errors, check_optional, check_rule

EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_ACTIONS: Final = frozenset({"DoNotSchedule", "ScheduleAnyway"})
_EXISTS_WANTED: Final = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
_POSITIVE: Final = "must be greater than zero"


def check_tolerations(errors: Errors, path: str, tolerations: Sequence[Mapping[str, Any]]) -> None:
    for index, toleration in enumerate(tolerations):
        _check_toleration(errors, path, index, toleration)


def check_taints(errors: Errors, path: str, taints: Sequence[Mapping[str, Any]]) -> None:
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        item = f"{path}[{index}]"
        key, value, effect = (taint.get(field) or "" for field in ("key", "value", "effect"))
        check_rule(errors, f"{item}.key", key, names.qualified_name)
        if messages := names.label_value(value):
            errors.append(invalid(f"{item}.value", value, ";".join(messages)))
        if not effect:
            errors.append(required(f"{item}.effect"))
        elif effect not in EFFECTS:
            errors.append(not_supported(f"{item}.effect", effect, EFFECTS))
        if (key, effect) in seen:
            errors.append(_repeated_taint(item, taint))
        seen.add((key, effect))


def check_spread(errors: Errors, path: str, constraints: Sequence[Mapping[str, Any]]) -> None:
    for index, constraint in enumerate(constraints):
        item = f"{path}[{index}]"
        key, action = constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""
        if (skew := constraint.get("maxSkew") or 0) <= 0:
            errors.append(invalid(f"{item}.maxSkew", skew, _POSITIVE))
        if not key:
            errors.append(required(f"{item}.topologyKey", "can not be empty"))
        if action not in _ACTIONS:
            errors.append(not_supported(f"{item}.whenUnsatisfiable", action, _ACTIONS))
        rest = constraints[index + 1 :]
        if any((other.get("topologyKey"), other.get("whenUnsatisfiable")) == (key, action) for other in rest):
            errors.append(duplicate(f"{item}.{{topologyKey, whenUnsatisfiable}}", f"{{{key}, {action}}}"))
        _check_min_domains(errors, f"{item}.minDomains", constraint.get("minDomains"), action)
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            check_optional(errors, f"{item}.{field}", constraint.get(field), {"Honor", "Ignore"})
        _check_spread_keys(errors, f"{item}.matchLabelKeys", constraint)
        check_label_selector(errors, f"{item}.labelSelector", constraint.get("labelSelector"))


def check_gates(errors: Errors, path: str, gates: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for index, gate in enumerate(gates):
        name = gate.get("name") or ""
        check_rule(errors, f"{path}[{index}]", name, names.qualified_name)
        if name in seen:
            errors.append(duplicate(f"{path}[{index}]", name))
        seen.add(name)


def _check_toleration(errors: Errors, path: str, index: int, toleration: Mapping[str, Any]) -> None:
    key, operator = toleration.get("key") or "", toleration.get("operator") or ""
    value, effect = toleration.get("value") or "", toleration.get("effect") or ""
    if key and not names.is_qualified_name(key):
        check_rule(errors, f"{path}[{index}].key", key, names.qualified_name)
    if not key and operator != "Exists":
        errors.append(invalid(f"{path}[{index}].operator", operator, _EXISTS_WANTED))
    if effect != "NoExecute" and toleration.get("tolerationSeconds") is not None:
        text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        errors.append(invalid(f"{path}[{index}].effect", effect, text))
    if operator in ("", "Equal"):
        if not names.is_label_value(value):
            text = ";".join(names.label_value(value))
            errors.append(invalid(f"{path}[{index}].operator", value, text))
    elif operator != "Exists":
        errors.append(not_supported(f"{path}[{index}].operator", operator, ("Equal", "Exists")))
    elif value:
        text = "value must be empty when `operator` is 'Exists'"
        errors.append(invalid(f"{path}[{index}].operator", value, text))
    if effect and effect not in EFFECTS:
        errors.append(not_supported(f"{path}[{index}].effect", effect, EFFECTS))


def _repeated_taint(path: str, taint: Mapping[str, Any]) -> FieldError:
    error = duplicate(path, go_json(taint, "Taint"))
    return FieldError(error.type, path, f"{error.text}: taints must be unique by key and effect pair")


def _check_min_domains(errors: Errors, path: str, domains: int | None, action: str) -> None:
    if domains is None:
        return
    if domains <= 0:
        errors.append(invalid(path, domains, _POSITIVE))
    if action != "DoNotSchedule":
        text = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        errors.append(invalid(path, domains, text))


def _check_spread_keys(errors: Errors, path: str, constraint: Mapping[str, Any]) -> None:
    keys = constraint.get("matchLabelKeys")
    if not keys:
        return
    selector = constraint.get("labelSelector")
    if selector is None:
        errors.append(forbidden(path, "must not be specified when labelSelector is not set"))
        selector = {}
    used = {*(selector.get("matchLabels") or ())}
    used |= {item.get("key") or "" for item in selector.get("matchExpressions") or ()}
    for index, key in enumerate(keys):
        check_rule(errors, f"{path}[{index}]", key, names.qualified_name)
        if key in used:
            errors.append(invalid(f"{path}[{index}]", key, "exists in both matchLabelKeys and labelSelector"))
