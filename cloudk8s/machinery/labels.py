"""Label selectors: the text form (`a=b,c in (x,y),!d,n>1`), the LabelSelector object, and matching.

`Selector.matches` is on hot paths (watches, endpoints, scheduling): plain equality, by far the most common form, is
checked before anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from cloudk8s.machinery.label_parser import parse_requirements
from cloudk8s.machinery.label_requirement import Operator, Requirement, SelectorError, requirement

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "Requirement",
    "Selector",
    "SelectorError",
    "from_map",
    "from_object",
    "parse",
    "requirement",
]

_OBJECT_OPERATORS: Final[Mapping[str, Operator]] = {
    "In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!",
}  # fmt: skip


class Selector:
    """All of its requirements must hold; none means everything matches."""

    __slots__ = ("_equal", "_others", "is_nothing", "requirements")

    def __init__(self, requirements: Iterable[Requirement] = (), *, is_nothing: bool = False) -> None:
        self.requirements = tuple(sorted(requirements, key=lambda requirement: requirement.key))
        self.is_nothing = is_nothing
        is_equality = [len(term.values) == 1 and term.operator in ("=", "==", "in") for term in self.requirements]
        pairs = zip(self.requirements, is_equality, strict=True)
        self._equal = tuple((term.key, term.values[0]) for term, equality in pairs if equality)
        pairs = zip(self.requirements, is_equality, strict=True)
        self._others = tuple(term for term, equality in pairs if not equality)

    @property
    def is_everything(self) -> bool:
        return not self.requirements and not self.is_nothing

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Whether an object with these labels is selected."""
        if self.is_nothing:
            return False
        if labels is None:
            labels = {}
        for key, value in self._equal:
            if labels.get(key) != value:
                return False
        return all(requirement.matches(labels) for requirement in self._others)

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)

    def __repr__(self) -> str:
        return f"Selector({'<none>' if self.is_nothing else str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Selector):
            return NotImplemented
        return self.requirements == other.requirements and self.is_nothing == other.is_nothing

    def __hash__(self) -> int:
        return hash((self.requirements, self.is_nothing))


EVERYTHING: Final = Selector()
NOTHING: Final = Selector(is_nothing=True)


@lru_cache(maxsize=1024)
def parse(text: str) -> Selector:
    """Read the text form, as in `?labelSelector=`. Raises SelectorError."""
    return Selector(parse_requirements(text)) if text else EVERYTHING


def from_object(selector: Mapping[str, Any] | None) -> Selector:
    """Compile a `metav1.LabelSelector`: null selects nothing, an empty one everything. Raises SelectorError."""
    if selector is None:
        return NOTHING
    terms = [requirement(key, "=", [value]) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        operator = _OBJECT_OPERATORS.get(expression.get("operator", ""))
        if operator is None:
            raise SelectorError(f'"{expression.get("operator", "")}" is not a valid label selector operator')
        terms.append(requirement(expression.get("key", ""), operator, expression.get("values")))
    return Selector(terms)


def from_map(labels: Mapping[str, str] | None) -> Selector:
    """Select objects that carry all these labels; unchecked, for selectors that validation has let through."""
    return Selector(Requirement(key, "=", (value,)) for key, value in (labels or {}).items())
