"""Taints and what tolerates them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

NO_SCHEDULE: Final = "NoSchedule"
NO_EXECUTE: Final = "NoExecute"
PREFER_NO_SCHEDULE: Final = "PreferNoSchedule"
UNSCHEDULABLE_KEY: Final = "node.kubernetes.io/unschedulable"


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint of a node; when it was added does not matter here."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class Toleration:
    """A toleration of a pod; empty fields tolerate any."""

    key: str
    operator: str
    value: str
    effect: str

    def tolerates(self, taint: Taint) -> bool:
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        if self.operator == "Exists":
            return True
        if self.operator in ("", "Equal"):
            return self.value == taint.value
        return _compares(self.operator, taint.value, self.value)


UNSCHEDULABLE: Final = Taint(UNSCHEDULABLE_KEY, "", NO_SCHEDULE)


def taints_of(node: Mapping[str, Any]) -> tuple[Taint, ...]:
    """The taints of a node, in their order."""
    found = (node.get("spec") or {}).get("taints") or ()
    return tuple(Taint(item.get("key", ""), item.get("value") or "", item.get("effect", "")) for item in found)


def tolerations_of(spec: Mapping[str, Any]) -> tuple[Toleration, ...]:
    """The tolerations of a pod."""
    return tuple(
        Toleration(item.get("key") or "", item.get("operator") or "", item.get("value") or "", item.get("effect") or "")
        for item in spec.get("tolerations") or ()
    )


def is_tolerated(tolerations: Sequence[Toleration], taint: Taint) -> bool:
    return any(toleration.tolerates(taint) for toleration in tolerations)


def untolerated(tolerations: Sequence[Toleration], taints: Iterable[Taint], *effects: str) -> list[Taint]:
    """Taints of these effects that nothing tolerates."""
    return [taint for taint in taints if taint.effect in effects and not is_tolerated(tolerations, taint)]


def _compares(operator: str, taint: str, toleration: str) -> bool:
    """`Lt` and `Gt`: the taint's number lies below or above the toleration's."""
    try:
        left, right = int(taint), int(toleration)
    except ValueError:
        return False
    return left < right if operator == "Lt" else left > right if operator == "Gt" else False
