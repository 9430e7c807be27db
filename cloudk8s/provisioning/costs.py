"""What a cluster costs a month, before and after: estimates from list prices. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.cloud.interface import KnowsPrices
from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.cloud.stack.resource import Resource

HOURS = 730
"""Of a month, as clouds count."""


@dataclass(frozen=True, slots=True)
class CostItem:
    """Things of one kind."""

    what: str
    count: int
    monthly: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Dollars a month; what has no known price is named and left out."""

    items: tuple[CostItem, ...] = ()
    unknown: tuple[str, ...] = ()
    before: float = 0.0
    """What is there now costs."""

    @property
    def monthly(self) -> float:
        """What will be there costs."""
        return sum(item.monthly for item in self.items)

    def as_dict(self) -> dict[str, Any]:
        items = [{"what": item.what, "count": item.count, "monthly": round(item.monthly, 2)} for item in self.items]
        entry = {"currency": "USD", "monthlyBefore": round(self.before, 2), "monthly": round(self.monthly, 2)}
        return {**entry, "items": items, "unknown": list(self.unknown)}

    def __str__(self) -> str:
        parts = ", ".join(f"{item.count} × {item.what} ${item.monthly:,.2f}" for item in self.items)
        change = f"${self.before:,.2f} → " if round(self.before, 2) != round(self.monthly, 2) else ""
        unknown = f"; price not known: {', '.join(self.unknown)}" if self.unknown else ""
        return f"about {change}${self.monthly:,.2f} a month ({parts or 'nothing with a price'}{unknown})"


@dataclass(slots=True)
class _Sum:
    prices: KnowsPrices
    counts: Counter[str] = field(default_factory=Counter)
    hourly: dict[str, float] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    def add(self, what: str, price: float | None) -> None:
        if price is None:
            self.unknown.add(what)
        elif price:
            self.counts[what] += 1
            self.hourly[what] = self.hourly.get(what, 0.0) + price

    def items(self) -> tuple[CostItem, ...]:
        found = (CostItem(what, count, self.hourly[what] * HOURS) for what, count in self.counts.items())
        return tuple(sorted(found, key=lambda item: (-item.monthly, item.what)))


def estimate(
    prices: KnowsPrices, now: tuple[Iterable[Resource], Sequence[MachineRequest]],
    then: tuple[Iterable[Resource], Sequence[MachineRequest]],
) -> Cost:  # fmt: skip
    """Resources and machines that are there, and that will be."""
    before, after = _summed(prices, *now), _summed(prices, *then)
    return Cost(after.items(), tuple(sorted(after.unknown)), sum(item.monthly for item in before.items()))


def _summed(prices: KnowsPrices, resources: Iterable[Resource], machines: Sequence[MachineRequest]) -> _Sum:
    total = _Sum(prices)
    for resource in resources:
        total.add(resource.type, prices.resource_price(resource))
    for request in machines:
        market = " spot" if request.spot else ""
        total.add(f"{request.type or 'machine of the default type'}{market}", prices.machine_price(request))
    return total
