"""FlowSchemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import Rendered, duplicate, forbidden, invalid, not_supported, quoted, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.values import Errors, check_rule

EXEMPT: Final = "exempt"
_PRECEDENCE_MAX: Final = 10000
_METHODS: Final = frozenset({"ByNamespace", "ByUser"})
_KINDS: Final = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
"""Kinds of subjects and the fields that name them."""
_FORBIDDEN: Final = "{0} is forbidden when subject kind is not '{1}'"
_VERBS: Final = frozenset({"create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"})


def check_flow_schema_spec(errors: Errors, spec: Mapping[str, Any], name: str) -> None:
    path, precedence = "spec.matchingPrecedence", spec.get("matchingPrecedence") or 0
    if precedence <= 0:
        errors.append(invalid(path, precedence, "must be a positive value"))
    if precedence > _PRECEDENCE_MAX:
        errors.append(invalid(path, precedence, f"must not be greater than {_PRECEDENCE_MAX}"))
    if precedence == 1 and name != EXEMPT:
        text = "only the schema named 'exempt' may have matchingPrecedence 1"
        errors.append(invalid(path, precedence, text))
    method = spec.get("distinguisherMethod")
    if method is not None and method.get("type") not in _METHODS:
        shown = go_json(method, "DistinguisherMethod")
        errors.append(not_supported("spec.distinguisherMethod.type", shown, _METHODS))
    if level := (spec.get("priorityLevelConfiguration") or {}).get("name"):
        check_rule(errors, "spec.priorityLevelConfiguration.name", level, names.dns_subdomain)
    else:
        errors.append(required("spec.priorityLevelConfiguration.name", "must reference a priority level"))
    for index, rule in enumerate(spec.get("rules") or ()):
        _check_rule(errors, f"spec.rules[{index}]", rule)


def check_old_conditions(errors: Errors, conditions: Sequence[Mapping[str, Any]]) -> None:
    """Conditions of this group's own, simpler type."""
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        path, kind = f"status.conditions[{index}].type", condition.get("type") or ""
        if kind in seen:
            errors.append(duplicate(path, kind))
        seen.add(kind)
        if not kind:
            errors.append(required(path, "must not be empty"))


def _check_rule(errors: Errors, path: str, rule: Mapping[str, Any]) -> None:
    subjects, resources = rule.get("subjects") or (), rule.get("resourceRules") or ()
    if not subjects:
        errors.append(required(f"{path}.subjects", "subjects must contain at least one value"))
    for index, subject in enumerate(subjects):
        _check_subject(errors, f"{path}.subjects[{index}]", subject)
    others = rule.get("nonResourceRules") or ()
    if not resources and not others:
        text = "at least one of resourceRules and nonResourceRules has to be non-empty"
        errors.append(required(path, text))
    for index, item in enumerate(resources):
        _check_resource_rule(errors, f"{path}.resourceRules[{index}]", item)
    for index, item in enumerate(others):
        _check_url_rule(errors, f"{path}.nonResourceRules[{index}]", item)


def _check_subject(errors: Errors, path: str, subject: Mapping[str, Any]) -> None:
    kind = subject.get("kind") or ""
    field = _KINDS.get(kind)
    if field is None:
        errors.append(not_supported(f"{path}.kind", kind, frozenset(_KINDS)))
        return
    if (named := subject.get(field)) is None:
        errors.append(required(f"{path}.{field}", f"{field} is required when subject kind is '{kind}'"))
    elif kind == "ServiceAccount":
        _check_account(errors, f"{path}.{field}", named)
    elif not named.get("name"):
        errors.append(required(f"{path}.{field}.name"))
    for other in ("ServiceAccount", "User", "Group"):
        if other != kind and subject.get(_KINDS[other]) is not None:
            errors.append(forbidden(f"{path}.{_KINDS[other]}", _FORBIDDEN.format(_KINDS[other], other)))


def _check_account(errors: Errors, path: str, account: Mapping[str, Any]) -> None:
    name, namespace = account.get("name") or "", account.get("namespace") or ""
    if not name:
        errors.append(required(f"{path}.name"))
    elif name != "*":
        check_rule(errors, f"{path}.name", name, names.dns_subdomain)
    if namespace:
        check_rule(errors, f"{path}.namespace", namespace, names.dns_label)
    else:
        errors.append(required(f"{path}.namespace", "must specify namespace for service account"))


def _check_resource_rule(errors: Errors, path: str, rule: Mapping[str, Any]) -> None:
    _check_verbs(errors, f"{path}.verbs", rule.get("verbs") or [])
    for field, one, many in (("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")):
        values = rule.get(field) or []
        if not values:
            errors.append(required(f"{path}.{field}", f"resource rules must supply at least one {one}"))
        elif len(values) > 1 and "*" in values:
            errors.append(invalid(f"{path}.{field}", values, f"if '*' is present, must not specify other {many}"))
    namespaces, at = rule.get("namespaces") or [], f"{path}.namespaces"
    if not namespaces and not rule.get("clusterScope"):
        text = "resource rules that are not cluster scoped must supply at least one namespace"
        errors.append(required(at, text))
    elif "*" in namespaces:
        if len(namespaces) > 1:
            errors.append(invalid(at, namespaces, "if '*' is present, must not specify other namespaces"))
    else:
        for index, namespace in enumerate(namespaces):
            check_rule(errors, f"{at}[{index}]", namespace, names.dns_label)


def _check_url_rule(errors: Errors, path: str, rule: Mapping[str, Any]) -> None:
    _check_verbs(errors, f"{path}.verbs", rule.get("verbs") or [])
    urls, at = rule.get("nonResourceURLs") or [], f"{path}.nonResourceURLs"
    if not urls:
        errors.append(required(at, "nonResourceURLs must contain at least one value"))
    elif "*" in urls:
        if len(urls) > 1:
            errors.append(invalid(at, urls, "if '*' is present, must not specify other non-resource URLs"))
    else:
        for index, url in enumerate(urls):
            if text := _why_no_path(url):
                errors.append(invalid(f"{at}[{index}]", url, text))


def _check_verbs(errors: Errors, path: str, verbs: list[str]) -> None:
    if not verbs:
        errors.append(required(path, "verbs must contain at least one value"))
    elif "*" in verbs:
        if len(verbs) > 1:
            errors.append(invalid(path, verbs, "if '*' is present, must not specify other verbs"))
    elif not _VERBS.issuperset(verbs):
        errors.append(not_supported(path, Rendered(quoted(verbs)), _VERBS))


def _why_no_path(url: str) -> str:
    if not url:
        return "must not be empty"
    if url == "/":
        return ""
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    if url.count("*") > 1 or ("*" in url and not url.endswith("/*")):
        return "wildcard can only do suffix matching"
    return ""
