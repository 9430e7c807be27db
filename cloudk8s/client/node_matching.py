"""Does a node fit: node selectors, required affinity, taints; the rules that the scheduler goes by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, name_of, spec_of

Taint = Mapping[str, Any]
Toleration = Mapping[str, Any]


def is_wanted_by(pod_spec: Mapping[str, Any], node: Object) -> bool:
    """Whether a pod's node selector and required node affinity accept the node."""
    if not (pod_spec.get("nodeSelector") or {}).items() <= labels_of(node).items():
        return False
    affinity = (pod_spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or is_selected(required, node)


def is_selected(selector: Mapping[str, Any], node: Object) -> bool:
    """Whether a core/v1 NodeSelector selects the node: any of its terms does."""
    return any(_term_matches(term, node) for term in selector.get("nodeSelectorTerms") or ())


def untolerated(taints: Iterable[Taint], tolerations: Sequence[Toleration], *effects: str) -> Taint | None:
    """The first taint of these effects that nothing tolerates."""
    for taint in taints:
        if taint.get("effect") in effects and not any(tolerates(item, taint) for item in tolerations):
            return taint
    return None


def taints_of(node: Object) -> Sequence[Taint]:
    return spec_of(node).get("taints") or ()


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether one toleration covers one taint."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    match toleration.get("operator") or "Equal":
        case "Exists":
            return True
        case "Equal":
            return (toleration.get("value") or "") == (taint.get("value") or "")
        case "Lt":
            return _compares(taint.get("value"), toleration.get("value"), is_less=True)
        case "Gt":
            return _compares(taint.get("value"), toleration.get("value"), is_less=False)
    return False


def _term_matches(term: Mapping[str, Any], node: Object) -> bool:
    """All expressions and fields must hold; a term without any selects nothing."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    labels = labels_of(node)
    return all(_holds(item, labels.get(item["key"])) for item in expressions) and all(
        item["key"] == "metadata.name" and _holds(item, name_of(node)) for item in fields
    )


def _holds(requirement: Mapping[str, Any], value: str | None) -> bool:
    values = requirement.get("values") or ()
    match requirement.get("operator"):
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            return _compares(value, next(iter(values), None), is_less=operator == "Lt")
    return False


def _compares(left: str | None, right: str | None, *, is_less: bool) -> bool:
    try:
        one, other = int(left or ""), int(right or "")
    except ValueError:
        return False
    return one < other if is_less else one > other
