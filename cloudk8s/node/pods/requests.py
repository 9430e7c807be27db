"""What a pod asks of its node. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.machinery import quantity
from cloudk8s.machinery.quantity import ZERO, Quantity
from cloudk8s.node.pods import pod as pods

Amounts = Mapping[str, Quantity]


def requests(pod: Object) -> dict[str, Quantity]:
    """What a pod asks for: its containers together, or its hungriest init container with the sidecars before it."""
    total = together(_of(container) for container in pods.containers(pod))
    sidecars: dict[str, Quantity] = {}
    peak: dict[str, Quantity] = {}
    for container in pods.init_containers(pod):
        if pods.is_sidecar(container):
            sidecars = together((sidecars, _of(container)))
            peak = _largest(peak, sidecars)
        else:
            peak = _largest(peak, together((sidecars, _of(container))))
    whole = _largest(together((total, sidecars)), peak)
    level = _amounts((spec_of(pod).get("resources") or {}).get("requests"))
    return together(({**whole, **level}, _amounts(spec_of(pod).get("overhead"))))


def together(amounts: Iterable[Amounts]) -> dict[str, Quantity]:
    """The sum by resource."""
    total: dict[str, Quantity] = {}
    for each in amounts:
        for name, amount in each.items():
            total[name] = total.get(name, ZERO) + amount
    return total


def _of(container: pods.Container) -> dict[str, Quantity]:
    return _amounts((container.get("resources") or {}).get("requests"))


def _amounts(amounts: Mapping[str, str] | None) -> dict[str, Quantity]:
    return {name: quantity.parse(value) for name, value in (amounts or {}).items()}


def _largest(left: Amounts, right: Amounts) -> dict[str, Quantity]:
    return {name: max(left.get(name, ZERO), right.get(name, ZERO)) for name in {**left, **right}}
