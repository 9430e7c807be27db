"""Whether the node has room for a pod, and whom it would have to send away for a critical one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.machinery import quantity
from cloudk8s.machinery.quantity import ZERO, Quantity
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.requests import requests, together
from cloudk8s.node.pods.status.qos import qos_class

_COUNTED = ("cpu", "memory", "ephemeral-storage")
_FIRST_TO_GO = ("BestEffort", "Burstable", "Guaranteed")


@dataclass(frozen=True, slots=True)
class Lack:
    """One resource that does not suffice, in its own unit (CPU: thousandths)."""

    resource: str
    requested: int
    used: int
    capacity: int

    def __str__(self) -> str:
        numbers = f"requested: {self.requested}, used: {self.used}, capacity: {self.capacity}"
        return f"Node didn't have enough resource: {self.resource}, {numbers}"


def lacking(pod: Object, others: Sequence[Object], allocatable: Mapping[str, str]) -> Lack | None:
    """What there is too little of for a pod next to the others; None where it fits."""
    room = int(quantity.parse(allocatable.get("pods", "110")).value)
    if len(others) + 1 > room:
        return Lack("pods", 1, len(others), room)
    used = together(map(requests, others))
    for name, amount in requests(pod).items():
        capacity = quantity.parse(allocatable.get(name, "0"))
        known = name in allocatable or name in _COUNTED
        if known and amount and amount + used.get(name, ZERO) > capacity:
            return Lack(name, *(_number(name, each) for each in (amount, used.get(name, ZERO), capacity)))
    return None


def victims(pod: Object, others: Sequence[Object], allocatable: Mapping[str, str]) -> Sequence[Object]:
    """The pods to end so that a critical one fits; none where that would not help.

    Those of the least quality of service go first, and nobody goes whose place is not needed.
    """
    candidates = sorted(
        (each for each in others if _gives_way(each, pod)),
        key=lambda each: (_FIRST_TO_GO.index(qos_class(each)), _priority(each), requests(each).get("cpu", ZERO).nanos),
    )
    chosen: list[Object] = []
    for candidate in candidates:
        if lacking(pod, _without(others, chosen), allocatable) is None:
            break
        chosen.append(candidate)
    if lacking(pod, _without(others, chosen), allocatable) is not None:
        return ()
    for candidate in reversed(list(chosen)):
        fewer = [each for each in chosen if each is not candidate]
        if lacking(pod, _without(others, fewer), allocatable) is None:
            chosen = fewer
    return chosen


def _gives_way(pod: Object, other: Object) -> bool:
    if pods.is_critical(other) and not pods.is_critical(pod):
        return True
    return _priority(other) > _priority(pod)


def _priority(pod: Object) -> int:
    return int(spec_of(pod).get("priority") or 0)


def _without(others: Sequence[Object], chosen: Sequence[Object]) -> list[Object]:
    return [each for each in others if not any(each is one for one in chosen)]


def _number(name: str, amount: Quantity) -> int:
    return amount.milli_value if name == "cpu" else amount.value
