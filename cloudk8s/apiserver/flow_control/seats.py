"""How the server's seats are shared out between priority levels.

Each level has a nominal share. What it lends goes into one pool, from which every level takes what it needs beyond what
it keeps for itself; upstream moves lent seats once in ten seconds, here they move when they are taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TOTAL = 600
"""Upstream's 400 reads and 200 writes in flight."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A level's seats: what it has by its share, what nobody can take from it, and what it can have at most."""

    nominal: int
    lower: int
    upper: int


class Pool:
    """Seats that levels lend to each other."""

    __slots__ = ("size", "used")

    def __init__(self) -> None:
        self.size = 0
        self.used = 0


def shared_out(specs: Mapping[str, Mapping[str, Any]], total: int = TOTAL) -> dict[str, Limits]:
    """The limits of each level, by name; `specs` are those of PriorityLevelConfigurations."""
    shares = {name: _terms(spec).get("nominalConcurrencyShares", 30) for name, spec in specs.items()}
    everything = sum(shares.values()) or 1
    return {
        name: _limits(_terms(spec), math.ceil(total * shares[name] / everything), total) for name, spec in specs.items()
    }


def _limits(terms: Mapping[str, Any], nominal: int, total: int) -> Limits:
    lent = _percent(nominal, terms.get("lendablePercent") or 0)
    borrowing = terms.get("borrowingLimitPercent")
    upper = total if borrowing is None else nominal + _percent(nominal, borrowing)
    return Limits(nominal, nominal - lent, upper)


def _terms(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    if spec.get("type") == "Exempt":
        return {"nominalConcurrencyShares": 0, **(spec.get("exempt") or {})}
    return spec.get("limited") or {}


def _percent(number: int, percent: int) -> int:
    return math.floor(number * percent / 100 + 0.5)
