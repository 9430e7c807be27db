"""What admission has charged of late: the objects may not be stored yet, or not be seen yet, and must not be forgotten.

A count that misses them would give back what they use, and the next object would be let in beside them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key_of, status_of
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.quantity import Quantity, QuantityError, parse

SETTLED: Final = timedelta(seconds=2)
"""By then what was charged is stored and seen, or never will be."""

Amounts = Mapping[str, str]


class Charges:
    """Follows `status.used` of quotas: what it grows by was charged, or counted, just now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recent: dict[str, deque[tuple[float, dict[str, Quantity]]]] = {}
        self._first_seen: dict[str, float] = {}
        self._counted: dict[str, Amounts] = {}

    def note(self, old: Object | None, new: Object | None) -> None:
        """A quota has changed, come or gone."""
        if new is None:
            self._recent.pop(key_of(old or {}), None)
            self._first_seen.pop(key_of(old or {}), None)
            self._counted.pop(key_of(old or {}), None)
        elif old is None:
            self._first_seen[key_of(new)] = self._clock.monotonic()
        elif self._counted.get(key_of(new)) == _used(new):
            del self._counted[key_of(new)]
        elif growth := _growth(_used(old), _used(new)):
            self._recent.setdefault(key_of(new), deque()).append((self._clock.monotonic(), growth))

    def counted(self, quota: Object, used: Amounts) -> None:
        """This is about to be written: it was counted, not charged."""
        self._counted[key_of(quota)] = used

    def not_below(self, quota: Object, counted: Amounts) -> dict[str, str]:
        """What may be written: the count, but nothing less than what was charged may still come to."""
        before, recent = _used(quota), self._sum(key_of(quota))
        is_new = self._clock.monotonic() - self._first_seen.get(key_of(quota), 0.0) < SETTLED.total_seconds()
        careful = dict(counted)
        for name, amount in counted.items():
            held = _quantity(before.get(name))
            if held is None or parse(amount) >= held:
                continue
            if is_new:
                careful[name] = before[name]
            elif name in recent:
                careful[name] = str(min(held, parse(amount) + recent[name]))
        return careful

    def _sum(self, key: str) -> dict[str, Quantity]:
        recent = self._recent.get(key)
        while recent and self._clock.monotonic() - recent[0][0] >= SETTLED.total_seconds():
            recent.popleft()
        total: dict[str, Quantity] = {}
        for _, growth in recent or ():
            for name, amount in growth.items():
                total[name] = total[name] + amount if name in total else amount
        return total


def _used(quota: Object) -> Amounts:
    return status_of(quota).get("used") or {}


def _growth(before: Amounts, after: Amounts) -> dict[str, Quantity]:
    found = {}
    for name, text in after.items():
        old, new = _quantity(before.get(name)), _quantity(text)
        if old is not None and new is not None and new > old:
            found[name] = new - old
    return found


def _quantity(text: str | None) -> Quantity | None:
    try:
        return None if text is None else parse(text)
    except QuantityError:
        return None
