"""Which requests a webhook or a policy is asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, invalid, not_supported, required, too_many
from cloudk8s.api.validation import names
from cloudk8s.api.validation.selectors import check_label_selector
from cloudk8s.api.validation.values import Errors, check_optional, check_rule

FAILURE_POLICIES: Final = frozenset({"Fail", "Ignore"})
MATCH_POLICIES: Final = frozenset({"Equivalent", "Exact"})
_OPERATIONS: Final = frozenset({"*", "CONNECT", "CREATE", "DELETE", "UPDATE"})
_SCOPES: Final = frozenset({"*", "Cluster", "Namespaced"})
_CONDITIONS_MAX: Final = 64
_ONLY: Final = "if '*' is present, must not specify other {}"


def check_operations(errors: Errors, path: str, rule: Mapping[str, Any]) -> None:
    """A rule with its operations."""
    operations = rule.get("operations") or []
    if not operations:
        errors.append(required(f"{path}.operations"))
    if len(operations) > 1 and "*" in operations:
        errors.append(invalid(f"{path}.operations", operations, _ONLY.format("operations")))
    for index, operation in enumerate(operations):
        if operation not in _OPERATIONS:
            errors.append(not_supported(f"{path}.operations[{index}]", operation, _OPERATIONS))
    for field, what in (("apiGroups", "API groups"), ("apiVersions", "API versions")):
        values = rule.get(field) or []
        if not values:
            errors.append(required(f"{path}.{field}"))
        if len(values) > 1 and "*" in values:
            errors.append(invalid(f"{path}.{field}", values, _ONLY.format(what)))
    for index, version in enumerate(rule.get("apiVersions") or ()):
        if not version:
            errors.append(required(f"{path}.apiVersions[{index}]"))
    _check_resources(errors, f"{path}.resources", rule.get("resources") or [])
    check_optional(errors, f"{path}.scope", rule.get("scope"), _SCOPES)


def check_match_resources(errors: Errors, path: str, match: Mapping[str, Any]) -> None:
    """What a policy or a binding applies to."""
    policy = match.get("matchPolicy")
    if policy is None:
        errors.append(required(f"{path}.matchPolicy"))
    else:
        check_optional(errors, f"{path}.matchPolicy", policy, MATCH_POLICIES)
    for field, shown in (("namespaceSelector", "namespaceSelector"), ("objectSelector", "labelSelector")):
        if (selector := match.get(field)) is None:
            errors.append(required(f"{path}.{field}"))
        else:
            check_label_selector(errors, f"{path}.{shown}", selector)
    for field in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(match.get(field) or ()):
            _check_named(errors, f"{path}.{field}[{index}]", rule)


def check_match_conditions(errors: Errors, path: str, conditions: Sequence[Mapping[str, Any]]) -> None:
    if len(conditions) > _CONDITIONS_MAX:
        errors.append(too_many(path, len(conditions), _CONDITIONS_MAX))
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        at, name = f"{path}[{index}]", condition.get("name") or ""
        if not (condition.get("expression") or "").strip():
            errors.append(required(f"{at}.expression"))
        if not name:
            errors.append(required(f"{at}.name"))
            continue
        check_rule(errors, f"{at}.name", name, names.qualified_name)
        if name in seen:
            errors.append(duplicate(f"{at}.name", name))
        seen.add(name)


def _check_named(errors: Errors, path: str, rule: Mapping[str, Any]) -> None:
    resources = rule.get("resourceNames") or []
    for index, name in enumerate(resources):
        check_rule(errors, f"{path}.resourceNames[{index}]", name, names.path_segment)
        if name in resources[:index]:
            errors.append(duplicate(f"{path}.resourceNames[{index}]", name))
    check_operations(errors, path, rule)


def _check_resources(errors: Errors, path: str, resources: list[str]) -> None:
    if not resources:
        errors.append(required(path))
    with_all_parts: set[str] = set()
    parts_of_all: set[str] = set()
    whole = False
    for index, item in enumerate(resources):
        if not item:
            errors.append(required(f"{path}[{index}]"))
            continue
        resource, slash, part = item.partition("/")
        if not slash:
            whole = item != "*"
            continue
        for present, stated in ((resource in with_all_parts, f"{resource}/*"), (part in parts_of_all, f"*/{part}")):
            if present:
                text = f"if '{stated}' is present, must not specify {item}"
                errors.append(invalid(f"{path}[{index}]", item, text))
        if part == "*":
            with_all_parts.add(resource)
        if resource == "*":
            parts_of_all.add(part)
    if len(resources) > 1 and "*/*" in resources:
        errors.append(invalid(path, resources, "if '*/*' is present, must not specify other resources"))
    if "*" in resources and whole:
        text = "if '*' is present, must not specify other resources without subresources"
        errors.append(invalid(path, resources, text))
