"""Roles, and whom they are bound to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.selectors import check_label_selector, is_valid_label_selector
from cloudk8s.api.validation.values import Errors, check_rule

GROUP: Final = "rbac.authorization.k8s.io"


def check_rules(errors: Errors, rules: Sequence[Mapping[str, Any]], *, namespaced: bool) -> None:
    for index, rule in enumerate(rules):
        _check_rule(errors, f"rules[{index}]", rule, namespaced=namespaced)


def check_aggregation(errors: Errors, aggregation: Mapping[str, Any] | None) -> None:
    if aggregation is None:
        return
    path, selectors = "aggregationRule.clusterRoleSelectors", aggregation.get("clusterRoleSelectors") or ()
    if not selectors:
        text = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        errors.append(required(path, text))
    for index, selector in enumerate(selectors):
        check_label_selector(errors, f"{path}[{index}]", selector)
        if not is_valid_label_selector(selector):
            errors.append(invalid(f"{path}[{index}]", go_json(selector, "LabelSelector"), "invalid label selector."))


def check_binding(errors: Errors, binding: Mapping[str, Any], *, namespaced: bool) -> None:
    role = binding.get("roleRef") or {}
    group, kind, name = (role.get(field) or "" for field in ("apiGroup", "kind", "name"))
    if group != GROUP:
        errors.append(not_supported("roleRef.apiGroup", group, [GROUP]))
    kinds = ["Role", "ClusterRole"] if namespaced else ["ClusterRole"]
    if kind not in kinds:
        errors.append(not_supported("roleRef.kind", kind, kinds))
    if name:
        check_rule(errors, "roleRef.name", name, names.path_segment)
    else:
        errors.append(required("roleRef.name"))
    for index, subject in enumerate(binding.get("subjects") or ()):
        _check_subject(errors, f"subjects[{index}]", subject, namespaced=namespaced)


def check_role_kept(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    if new.get("roleRef") != old.get("roleRef"):
        errors.append(invalid("roleRef", go_json(new.get("roleRef"), "RoleRef"), "cannot change roleRef"))


def _check_rule(errors: Errors, path: str, rule: Mapping[str, Any], *, namespaced: bool) -> None:
    if not rule.get("verbs"):
        errors.append(required(f"{path}.verbs", "verbs must contain at least one value"))
    if urls := rule.get("nonResourceURLs"):
        if namespaced:
            text = "namespaced rules cannot apply to non-resource URLs"
            errors.append(invalid(f"{path}.nonResourceURLs", urls, text))
        if any(rule.get(field) for field in ("apiGroups", "resources", "resourceNames")):
            text = "rules cannot apply to both regular resources and non-resource URLs"
            errors.append(invalid(f"{path}.nonResourceURLs", urls, text))
        return
    if not rule.get("apiGroups"):
        errors.append(required(f"{path}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        errors.append(required(f"{path}.resources", "resource rules must supply at least one resource"))


def _check_subject(errors: Errors, path: str, subject: Mapping[str, Any], *, namespaced: bool) -> None:
    name, kind, group = (subject.get(field) or "" for field in ("name", "kind", "apiGroup"))
    if not name:
        errors.append(required(f"{path}.name"))
    if kind == "ServiceAccount":
        if name:
            check_rule(errors, f"{path}.name", name, names.dns_subdomain)
        if group:
            errors.append(not_supported(f"{path}.apiGroup", group, [""]))
        if not namespaced and not subject.get("namespace"):
            errors.append(required(f"{path}.namespace"))
    elif kind in ("User", "Group"):
        if group != GROUP:
            errors.append(not_supported(f"{path}.apiGroup", group, [GROUP]))
    else:
        errors.append(not_supported(f"{path}.kind", kind, ["ServiceAccount", "User", "Group"]))
