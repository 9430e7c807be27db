"""Admission policies and their bindings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, forbidden, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.admission.rules import (
    FAILURE_POLICIES,
    check_match_conditions,
    check_match_resources,
)
from cloudk8s.api.validation.selectors import check_label_selector
from cloudk8s.api.validation.values import Errors, check_rule, check_supported

_ACTIONS: Final = frozenset({"Audit", "Deny", "Warn"})
_REASONS: Final = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_ANNOTATIONS_MAX: Final = 20
_ANNOTATION_BYTES: Final = 5 * 1024
_EITHER: Final = "validations or auditAnnotations must be non-empty, or both"
_EXCLUSIVE: Final = "name and selector are mutually exclusive"
_IDENTIFIER: Final = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*", re.ASCII)
_RESERVED: Final = frozenset(
    {
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
        "let", "loop", "package", "namespace", "return", "var", "void", "while",
    }
)  # fmt: skip
_MUTATIONS: Final = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}


def check_validating_policy(errors: Errors, spec: Mapping[str, Any], name: str) -> None:
    _check_policy(errors, spec)
    validations, annotations = spec.get("validations") or (), spec.get("auditAnnotations") or []
    if not validations and not annotations:
        errors.append(required("spec.validations", _EITHER))
        errors.append(required("spec.auditAnnotations", _EITHER))
        return
    for index, validation in enumerate(validations):
        _check_validation(errors, f"spec.validations[{index}]", validation)
    if len(annotations) > _ANNOTATIONS_MAX:
        text = f"must not have more than {_ANNOTATIONS_MAX} auditAnnotations"
        errors.append(invalid("spec.auditAnnotations", annotations, text))
    keys: set[str] = set()
    for index, annotation in enumerate(annotations):
        path, key = f"spec.auditAnnotations[{index}]", annotation.get("key") or ""
        _check_annotation(errors, path, annotation, f"{name}/{key}" if name else key)
        if key in keys:
            errors.append(duplicate(f"{path}.key", key))
        keys.add(key)


def check_mutating_policy(errors: Errors, spec: Mapping[str, Any]) -> None:
    _check_policy(errors, spec)
    mutations = spec.get("mutations") or ()
    if not mutations:
        errors.append(required("spec.mutations", "mutations must contain at least one item"))
    for index, mutation in enumerate(mutations):
        _check_mutation(errors, f"spec.mutations[{index}]", mutation)
    check_supported(errors, "spec.reinvocationPolicy", spec.get("reinvocationPolicy"), {"IfNeeded", "Never"})


def check_policy_binding(errors: Errors, spec: Mapping[str, Any], *, validates: bool) -> None:
    if policy := spec.get("policyName"):
        check_rule(errors, "spec.policyName", policy, names.dns_subdomain)
    else:
        errors.append(required("spec.policyName"))
    if (reference := spec.get("paramRef")) is not None:
        _check_parameters(errors, "spec.paramRef", reference)
    if (match := spec.get("matchResources")) is not None:
        check_match_resources(errors, "spec.matchResources", match)
    if validates:
        _check_actions(errors, "spec.validationActions", spec.get("validationActions") or [])


def _check_policy(errors: Errors, spec: Mapping[str, Any]) -> None:
    check_supported(errors, "spec.failurePolicy", spec.get("failurePolicy"), FAILURE_POLICIES)
    if (kind := spec.get("paramKind")) is not None:
        _check_kind(errors, "spec.paramKind", kind)
    if (match := spec.get("matchConstraints")) is None:
        errors.append(required("spec.matchConstraints"))
    else:
        check_match_resources(errors, "spec.matchConstraints", match)
        if not match.get("resourceRules"):
            errors.append(required("spec.matchConstraints.resourceRules"))
    check_match_conditions(errors, "spec.matchConditions", spec.get("matchConditions") or ())
    for index, variable in enumerate(spec.get("variables") or ()):
        _check_variable(errors, f"spec.variables[{index}]", variable)


def _check_kind(errors: Errors, path: str, kind: Mapping[str, Any]) -> None:
    version, name = kind.get("apiVersion") or "", kind.get("kind") or ""
    at = f"{path}.apiVersion"
    group, _, number = version.rpartition("/")
    if not version:
        errors.append(required(at))
    elif version.count("/") > 1:
        errors.append(invalid(at, version, f"unexpected GroupVersion string: {version}"))
    else:
        if group and (messages := names.dns_subdomain(group)):
            errors.append(invalid(at, group, ",".join(messages)))
        if not number:
            errors.append(invalid(at, version, "version must be specified"))
        elif messages := names.dns_1035_label(number):
            errors.append(invalid(at, number, ",".join(messages)))
    if not name:
        errors.append(required(f"{path}.kind"))
    elif messages := names.dns_1035_label(name.lower()):
        text = "may have mixed case, but should otherwise match: " + ",".join(messages)
        errors.append(invalid(f"{path}.kind", name, text))


def _check_variable(errors: Errors, path: str, variable: Mapping[str, Any]) -> None:
    name = variable.get("name") or ""
    if name in ("", "_"):
        errors.append(required(f"{path}.name", "name is not specified"))
    elif not _IDENTIFIER.fullmatch(name) or name in _RESERVED:
        errors.append(invalid(f"{path}.name", name, "name is not a valid CEL identifier"))
    if not (variable.get("expression") or "").strip():
        errors.append(required(f"{path}.expression", "expression is not specified"))


def _check_validation(errors: Errors, path: str, validation: Mapping[str, Any]) -> None:
    expression = (validation.get("expression") or "").strip()
    message, computed = validation.get("message") or "", validation.get("messageExpression") or ""
    if not expression:
        errors.append(required(f"{path}.expression", "expression is not specified"))
    if computed and not computed.strip():
        errors.append(invalid(f"{path}.messageExpression", computed, "must be non-empty if specified"))
    if message and not message.strip():
        errors.append(invalid(f"{path}.message", message, "must be non-empty if specified"))
    elif _has_breaks(message.strip()):
        errors.append(invalid(f"{path}.message", message, "must not contain line breaks"))
    elif _has_breaks(expression) and not message:
        text = "must be specified if expression contains line breaks"
        errors.append(required(f"{path}.message", text))
    reason = validation.get("reason")
    if reason is not None and reason not in _REASONS:
        errors.append(not_supported(f"{path}.reason", reason, _REASONS))


def _check_annotation(errors: Errors, path: str, annotation: Mapping[str, Any], full_key: str) -> None:
    check_rule(errors, f"{path}.key", full_key, names.qualified_name)
    expression = (annotation.get("valueExpression") or "").strip()
    if not expression:
        errors.append(required(f"{path}.valueExpression", "valueExpression is not specified"))
    elif len(expression.encode()) > _ANNOTATION_BYTES:
        text = f"must not exceed {_ANNOTATION_BYTES} bytes in length"
        errors.append(required(f"{path}.valueExpression", text))


def _check_mutation(errors: Errors, path: str, mutation: Mapping[str, Any]) -> None:
    kind = mutation.get("patchType") or ""
    if not kind:
        errors.append(required(f"{path}.patchType"))
    elif kind not in _MUTATIONS:
        errors.append(not_supported(f"{path}.patchType", kind, frozenset(_MUTATIONS)))
    else:
        wanted = _MUTATIONS[kind]
        if (patch := mutation.get(wanted)) is None:
            text = f"must be specified when patchType is {kind}"
            errors.append(required(f"{path}.{wanted}", text))
        elif not (patch.get("expression") or "").strip():
            errors.append(required(f"{path}.{wanted}.expression"))
        for other in set(_MUTATIONS.values()) - {wanted}:
            if mutation.get(other) is not None:
                text = f"must not be specified when patchType is {kind}"
                errors.append(invalid(f"{path}.{other}", "{" + other + "}", text))


def _check_parameters(errors: Errors, path: str, reference: Mapping[str, Any]) -> None:
    name, selector = reference.get("name") or "", reference.get("selector")
    if name:
        check_rule(errors, f"{path}.name", name, names.path_segment)
        if selector is not None:
            errors.append(forbidden(f"{path}.name", _EXCLUSIVE))
    if selector is not None:
        check_label_selector(errors, f"{path}.selector", selector)
        if name:
            errors.append(forbidden(f"{path}.selector", _EXCLUSIVE))
    if not name and selector is None:
        errors.append(required(path, "one of name or selector must be specified"))
    check_supported(
        errors, f"{path}.parameterNotFoundAction", reference.get("parameterNotFoundAction"), ["Deny", "Allow"]
    )


def _check_actions(errors: Errors, path: str, actions: list[str]) -> None:
    for index, action in enumerate(actions):
        if action not in _ACTIONS:
            errors.append(not_supported(f"{path}[{index}]", action, _ACTIONS))
        if action in actions[:index]:
            errors.append(duplicate(f"{path}[{index}]", action))
    if "Deny" in actions and "Warn" in actions:
        text = (
            "must not contain both Deny and Warn (repeating the same validation failure information "
            "in the API response and headers serves no purpose)"
        )
        errors.append(invalid(path, actions, text))
    if not actions:
        errors.append(required(path, "at least one validation action is required"))


def _has_breaks(text: str) -> bool:
    return "\n" in text or "\r" in text
