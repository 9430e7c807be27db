"""Label selectors, node selectors, topology selectors, and which labels a selector matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.api.field_errors import duplicate, forbidden, invalid, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.metadata import validate_labels
from cloudk8s.api.validation.values import Errors, check_rule

_VALUES_REQUIRED = "must be specified when `operator` is 'In' or 'NotIn'"
_VALUES_FORBIDDEN = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
_NOT_AN_OPERATOR = "not a valid selector operator"


def check_label_selector(errors: Errors, path: str, selector: Mapping[str, Any] | None) -> None:
    if not selector:
        return
    if labels := selector.get("matchLabels"):
        errors.extend(validate_labels(labels, f"{path}.matchLabels"))
    for index, requirement in enumerate(selector.get("matchExpressions") or ()):
        _check_label_requirement(errors, f"{path}.matchExpressions[{index}]", requirement)


def is_valid_label_selector(selector: Mapping[str, Any] | None) -> bool:
    errors: Errors = []
    check_label_selector(errors, "", selector)
    return not errors


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an absent one matches nothing, an empty one everything."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_requirement_matches(item, labels) for item in selector.get("matchExpressions") or ())


def is_empty(selector: Mapping[str, Any] | None) -> bool:
    """Whether a selector that is there says nothing."""
    return not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))


def check_node_selector(errors: Errors, path: str, selector: Mapping[str, Any], *, any_value: bool = False) -> None:
    """`any_value` tolerates values that no label can have, where they have been stored before."""
    terms = selector.get("nodeSelectorTerms")
    if not terms:
        errors.append(required(f"{path}.nodeSelectorTerms", "must have at least one node selector term"))
    for index, term in enumerate(terms or ()):
        check_node_selector_term(errors, f"{path}.nodeSelectorTerms[{index}]", term, any_value=any_value)


def check_node_selector_term(errors: Errors, path: str, term: Mapping[str, Any], *, any_value: bool) -> None:
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        _check_node_requirement(errors, f"{path}.matchExpressions[{index}]", requirement, any_value)
    for index, requirement in enumerate(term.get("matchFields") or ()):
        _check_node_field(errors, f"{path}.matchFields[{index}]", requirement)


def check_topology_terms(errors: Errors, path: str, terms: Sequence[Mapping[str, Any]]) -> None:
    """`allowedTopologies` of a storage class; one that says nothing counts as there already, as upstream has it."""
    seen: list[dict[str, frozenset[str]]] = [{} for _ in terms]
    for index, term in enumerate(terms):
        expressions = _check_topology_term(errors, f"{path}[{index}].matchLabelExpressions", term)
        errors += [duplicate(f"{path}[{index}].matchLabelExpressions", "")] * seen.count(expressions)
        seen.append(expressions)


def _check_topology_term(errors: Errors, path: str, term: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    expressions: dict[str, frozenset[str]] = {}
    for index, requirement in enumerate(term.get("matchLabelExpressions") or ()):
        key, values = requirement.get("key") or "", requirement.get("values") or []
        if not values:
            errors.append(required(f"{path}[{index}].values"))
        for position, value in enumerate(values):
            if value in values[:position]:
                errors.append(duplicate(f"{path}[{index}].values[{position}]", value))
        check_rule(errors, f"{path}[{index}].key", key, names.qualified_name)
        if key in expressions:
            errors.append(duplicate(f"{path}[{index}].key", key))
        expressions[key] = frozenset(values)
    return expressions


def _check_label_requirement(errors: Errors, path: str, requirement: Mapping[str, Any]) -> None:
    operator, values = requirement.get("operator") or "", requirement.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(required(f"{path}.values", _VALUES_REQUIRED))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            errors.append(forbidden(f"{path}.values", _VALUES_FORBIDDEN))
    else:
        errors.append(invalid(f"{path}.operator", operator, _NOT_AN_OPERATOR))
    check_rule(errors, f"{path}.key", requirement.get("key") or "", names.qualified_name)
    for index, value in enumerate(values):
        check_rule(errors, f"{path}.values[{index}]", value, names.label_value)


def _check_node_requirement(errors: Errors, path: str, requirement: Mapping[str, Any], any_value: bool) -> None:
    operator, values = requirement.get("operator") or "", requirement.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(required(f"{path}.values", _VALUES_REQUIRED))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            errors.append(forbidden(f"{path}.values", _VALUES_FORBIDDEN))
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            text = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            errors.append(required(f"{path}.values", text))
    else:
        errors.append(invalid(f"{path}.operator", operator, _NOT_AN_OPERATOR))
    check_rule(errors, f"{path}.key", requirement.get("key") or "", names.qualified_name)
    if not any_value:
        for index, value in enumerate(values):
            check_rule(errors, f"{path}.values[{index}]", value, names.label_value)


def _check_node_field(errors: Errors, path: str, requirement: Mapping[str, Any]) -> None:
    operator, values = requirement.get("operator") or "", requirement.get("values") or ()
    if operator in ("In", "NotIn"):
        if len(values) != 1:
            text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            errors.append(required(f"{path}.values", text))
    else:
        errors.append(invalid(f"{path}.operator", operator, _NOT_AN_OPERATOR))
    if (key := requirement.get("key") or "") != "metadata.name":
        errors.append(invalid(f"{path}.key", key, "not a valid field selector key"))
    else:
        for index, value in enumerate(values):
            check_rule(errors, f"{path}.values[{index}]", value, names.dns_subdomain)


def _requirement_matches(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = requirement.get("key") or "", requirement.get("values") or ()
    match requirement.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
