"""Which nodes a pod wants: node selector, required and preferred node affinity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

NAME_FIELD: Final = "metadata.name"


@dataclass(frozen=True, slots=True)
class NodeRequirement:
    """One expression over a label, or over the node's name."""

    key: str
    operator: str
    values: tuple[str, ...]

    def matches(self, value: str | None) -> bool:
        """Whether a label with this value, None if there is none, fulfils it."""
        if self.operator == "NotIn":
            return value is None or value not in self.values
        if self.operator == "DoesNotExist":
            return value is None
        if value is None:
            return False
        if self.operator == "In":
            return value in self.values
        return self.operator == "Exists" or self._compares(value)

    def _compares(self, value: str) -> bool:
        try:
            left, right = int(value), int(self.values[0])
        except (ValueError, IndexError):
            return False
        return left > right if self.operator == "Gt" else left < right if self.operator == "Lt" else False


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """All expressions and fields must hold; a term without any selects nothing."""

    expressions: tuple[NodeRequirement, ...]
    fields: tuple[NodeRequirement, ...]

    @property
    def is_empty(self) -> bool:
        return not self.expressions and not self.fields

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether a node is selected; the slow form of what columns do for all nodes at once."""
        if self.is_empty:
            return False
        by_label = all(requirement.matches(labels.get(requirement.key)) for requirement in self.expressions)
        return by_label and all(requirement.matches(name) for requirement in self.fields)

    def names(self) -> frozenset[str] | None:
        """The nodes that this term is limited to by name; None where it is not."""
        found: frozenset[str] | None = None
        for field in self.fields:
            if field.key == NAME_FIELD and field.operator == "In":
                found = frozenset(field.values) if found is None else found & frozenset(field.values)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class NodeSelection:
    """Compared by identity: equal selections are one object, made by the table of shapes."""

    selector: tuple[tuple[str, str], ...] = ()
    required: tuple[NodeTerm, ...] | None = None
    """Any of them must match; None is no requirement, an empty tuple one that nothing fulfils."""
    preferred: tuple[tuple[int, NodeTerm], ...] = ()

    @property
    def is_restricted(self) -> bool:
        return bool(self.selector) or self.required is not None

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether selector and required affinity accept a node."""
        if any(labels.get(key) != value for key, value in self.selector):
            return False
        return self.required is None or any(term.matches(name, labels) for term in self.required)

    def names(self) -> frozenset[str] | None:
        """The nodes that required affinity limits the pod to by name; None where any term does not."""
        if not self.required:
            return None
        named = [term.names() for term in self.required]
        if any(names is None for names in named):
            return None
        return frozenset().union(*(names for names in named if names is not None))


def node_terms(selector: Mapping[str, Any] | None) -> tuple[NodeTerm, ...]:
    """The terms of a core/v1 NodeSelector."""
    return tuple(node_term(item) for item in (selector or {}).get("nodeSelectorTerms") or ())


def node_term(term: Mapping[str, Any]) -> NodeTerm:
    return NodeTerm(_requirements(term.get("matchExpressions")), _requirements(term.get("matchFields")))


def selection(spec: Mapping[str, Any]) -> NodeSelection:
    """What a pod's spec says."""
    selector = tuple(sorted((spec.get("nodeSelector") or {}).items()))
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    return affinity_selection(affinity, selector)


def affinity_selection(affinity: Mapping[str, Any], selector: tuple[tuple[str, str], ...] = ()) -> NodeSelection:
    """What a core/v1 NodeAffinity says."""
    hard = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    soft = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    preferred = tuple(
        (int(item["weight"]), term)
        for item in soft
        if item.get("weight") and not (term := node_term(item.get("preference") or {})).is_empty
    )
    return NodeSelection(selector, None if hard is None else node_terms(hard), preferred)


def _requirements(items: Iterable[Mapping[str, Any]] | None) -> tuple[NodeRequirement, ...]:
    return tuple(
        NodeRequirement(item.get("key", ""), item.get("operator", ""), tuple(item.get("values") or ()))
        for item in items or ()
    )
