"""What one thing (a rule, a policy, a pod) needs in a table, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Element(NamedTuple):
    """An entry of a set or a map. Several parts may want the same one; the first one's verdict counts."""

    container: str
    key: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Chains with their rules, sets with their declaration (fixed for a name), elements with their verdicts."""

    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)
    elements: Mapping[Element, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.chains or self.sets or self.elements)
