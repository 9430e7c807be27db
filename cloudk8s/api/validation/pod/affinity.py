"""Affinity to nodes and to pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.selectors import check_label_selector, check_node_selector, check_node_selector_term
from cloudk8s.api.validation.values import Errors, check_rule

REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
_WEIGHT: Final = "must be in the range 1-100"


def check_affinity(errors: Errors, path: str, affinity: Mapping[str, Any]) -> None:
    if (node := affinity.get("nodeAffinity")) is not None:
        _check_node_affinity(errors, f"{path}.nodeAffinity", node)
    for kind in ("podAffinity", "podAntiAffinity"):
        if (pods := affinity.get(kind)) is not None:
            _check_pod_affinity(errors, f"{path}.{kind}", pods)


def _check_node_affinity(errors: Errors, path: str, affinity: Mapping[str, Any]) -> None:
    if (selector := affinity.get(REQUIRED)) is not None:
        check_node_selector(errors, f"{path}.{REQUIRED}", selector)
    for index, term in enumerate(affinity.get(PREFERRED) or ()):
        item = f"{path}.{PREFERRED}[{index}]"
        _check_weight(errors, item, term)
        check_node_selector_term(errors, f"{item}.preference", term.get("preference") or {}, any_value=True)


def _check_pod_affinity(errors: Errors, path: str, affinity: Mapping[str, Any]) -> None:
    for index, term in enumerate(affinity.get(REQUIRED) or ()):
        _check_term(errors, f"{path}.{REQUIRED}[{index}]", term)
    for index, weighted in enumerate(affinity.get(PREFERRED) or ()):
        item = f"{path}.{PREFERRED}[{index}]"
        _check_weight(errors, item, weighted)
        _check_term(errors, f"{item}.podAffinityTerm", weighted.get("podAffinityTerm") or {})


def _check_weight(errors: Errors, path: str, term: Mapping[str, Any]) -> None:
    weight = term.get("weight") or 0
    if not 1 <= weight <= 100:
        errors.append(invalid(f"{path}.weight", weight, _WEIGHT))


def _check_term(errors: Errors, path: str, term: Mapping[str, Any]) -> None:
    check_label_selector(errors, f"{path}.labelSelector", term.get("labelSelector"))
    check_label_selector(errors, f"{path}.namespaceSelector", term.get("namespaceSelector"))
    for namespace in term.get("namespaces") or ():
        check_rule(errors, f"{path}.namespace", namespace, names.dns_label)
    _check_label_keys(errors, path, term)
    key = term.get("topologyKey") or ""
    if not key:
        errors.append(required(f"{path}.topologyKey", "can not be empty"))
    check_rule(errors, f"{path}.topologyKey", key, names.qualified_name)


def _check_label_keys(errors: Errors, path: str, term: Mapping[str, Any]) -> None:
    selector = term.get("labelSelector")
    matched, mismatched = term.get("matchLabelKeys") or [], term.get("mismatchLabelKeys") or []
    for field, keys in (("matchLabelKeys", matched), ("mismatchLabelKeys", mismatched)):
        if keys and selector is None:
            errors.append(forbidden(f"{path}.{field}", "must not be specified when labelSelector is not set"))
        elif keys:
            _check_keys(errors, f"{path}.{field}", keys)
    if selector is not None and matched:
        _check_repeated(errors, path, matched, selector)
    for index, key in enumerate(matched):
        if key in mismatched:
            text = "exists in both matchLabelKeys and mismatchLabelKeys"
            errors.append(invalid(f"{path}.matchLabelKeys[{index}]", key, text))


def _check_keys(errors: Errors, path: str, keys: Sequence[str]) -> None:
    for index, key in enumerate(keys):
        check_rule(errors, f"{path}[{index}]", key, names.qualified_name)


def _check_repeated(errors: Errors, path: str, matched: Sequence[str], selector: Mapping[str, Any]) -> None:
    """The server adds one requirement for each key; a second one is the user's, and a contradiction."""
    seen = set(selector.get("matchLabels") or ())
    for requirement in selector.get("matchExpressions") or ():
        key = requirement.get("key") or ""
        if key in matched and key in seen:
            text = "exists in both matchLabelKeys and labelSelector"
            errors.append(invalid(f"{path}[{matched.index(key)}]", key, text))
        seen.add(key)
