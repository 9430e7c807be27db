"""Pods of one node that nobody has heard of, and that are still to be called not ready."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Unmarked:
    """It is forgotten as a whole once its node is back: what is being marked then and fails, comes back to nobody."""

    pods: set[str] | None = field(default_factory=set)
    """Their keys; None is all that the node has."""

    def add(self, pods: set[str] | None) -> None:
        self.pods = None if pods is None or self.pods is None else self.pods | pods

    def take(self) -> set[str] | None:
        """All of them; what cannot be marked is to be added again."""
        taken, self.pods = self.pods, set()
        return taken
