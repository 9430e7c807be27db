"""Capacities of devices, and how much of one a request takes where several share the device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.machinery.quantity import Quantity, parse


@dataclass(frozen=True, slots=True)
class Capacity:
    """So much there is, and `policy` says in which amounts it can be had; any amount without one."""

    value: Quantity
    policy: Mapping[str, Any] = field(default_factory=dict)

    def taken_by(self, requested: Quantity | None) -> Quantity | None:
        """What a request takes, rounded up as the policy says; None if it cannot be had."""
        if requested is None:
            default = self.policy.get("default")
            return self.value if default is None else parse(default)
        if (values := self.policy.get("validValues")) is not None:
            return min((one for one in map(parse, values) if one >= requested), default=None)
        if (span := self.policy.get("validRange")) is not None:
            return _within(requested, span)
        return requested if requested <= self.value else None


def _within(requested: Quantity, span: Mapping[str, Any]) -> Quantity | None:
    """At least `min`, a multiple of `step` above it, and at most `max`."""
    least = parse(span.get("min") or 0)
    found = max(requested, least)
    if (step := span.get("step")) is not None and (size := parse(step).nanos):
        beyond = -(-(found.nanos - least.nanos) // size) * size
        found = Quantity(least.nanos + beyond, requested.format)
    most = span.get("max")
    return None if most is not None and found > parse(most) else found


def of_device(entry: Mapping[str, Any]) -> dict[str, Capacity]:
    """The capacities of a device in a slice, by the names that its driver gave them."""
    found = entry.get("capacity") or {}
    return {name: Capacity(parse(one["value"]), one.get("requestPolicy") or {}) for name, one in found.items()}


NOTHING = Quantity(0)
