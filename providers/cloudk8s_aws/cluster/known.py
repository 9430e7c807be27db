"""What one contract learned that another can use."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class KnownVpc:
    """The VPC of the cluster, as soon as it was seen or made: machines are then listed by it, which costs a cloud less
    than a search by tag. Empty is not known.
    """

    id: str = ""
    _nothing_for: set[str] = field(default_factory=set)

    def found(self, *, nothing: bool) -> None:
        """A look at all that carries the cluster's tag is over; whether it has found nothing at all."""
        self._nothing_for = {"machines", "balancers"} if nothing else set()

    def has_nothing_of(self, what: str) -> bool:
        """Whether what was looked at last needs no look at these: told once for each look, for they may be made now."""
        told = what in self._nothing_for
        self._nothing_for.discard(what)
        return told
