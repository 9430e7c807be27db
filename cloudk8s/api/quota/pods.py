"""What a whole pod requests, and may use: its containers, or what it says for itself, and its overhead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.resource import Object
from cloudk8s.machinery.quantity import Quantity, parse

Amounts = dict[str, Quantity]
_POD_LEVEL: Final = ("cpu", "memory", "hugepages-")


def pod_resources(pod: Object, field: str) -> Amounts:
    """Requests or limits (`field`) of a pod.

    Containers and sidecars count together, or the largest init container where that is more. While a container is
    resized the larger of what it has and what it wants counts.
    """
    spec = pod.get("spec") or {}
    total = _of_containers(pod, field)
    for name, amount in _amounts((spec.get("resources") or {}).get(field)).items():
        if name.startswith(_POD_LEVEL):
            total[name] = amount
    for name, amount in _amounts(spec.get("overhead")).items():
        if field == "requests" or name in total:
            total[name] = total[name] + amount if name in total else amount
    return total


def says(pod: Object, field: str, resource: str) -> bool:
    """Whether a pod says for itself what its containers need not say then."""
    return resource in (((pod.get("spec") or {}).get("resources") or {}).get(field) or {})


def _of_containers(pod: Object, field: str) -> Amounts:
    spec = pod.get("spec") or {}
    total: Amounts = {}
    for container in spec.get("containers") or []:
        _add(total, _of_container(pod, container, field))
    sidecars: Amounts = {}
    largest: Amounts = {}
    for container in spec.get("initContainers") or []:
        amounts = _of_container(pod, container, field)
        if container.get("restartPolicy") == "Always":
            _add(total, amounts)
            _add(sidecars, amounts)
            continue
        for name, amount in amounts.items():
            needed = amount + sidecars[name] if name in sidecars else amount
            _raise(largest, name, needed)
    for name, amount in largest.items():
        _raise(total, name, amount)
    return total


def _of_container(pod: Object, container: Mapping[str, Any], field: str) -> Amounts:
    wanted = _amounts((container.get("resources") or {}).get(field))
    status = pod.get("status") or {}
    said = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    for each in said:
        if each.get("name") == container.get("name"):
            has = _amounts((each.get("resources") or {}).get(field))
            if field == "requests":
                for name, amount in _amounts(each.get("allocatedResources")).items():
                    _raise(has, name, amount)
            return _either(wanted, has, is_infeasible=_is_infeasible(status))
    return wanted


def _either(wanted: Amounts, has: Amounts, *, is_infeasible: bool) -> Amounts:
    """What counts while a container is resized; a resize that can never be done does not."""
    if not has:
        return wanted
    if is_infeasible:
        return has
    larger = dict(wanted)
    for name, amount in has.items():
        if name in wanted:
            _raise(larger, name, amount)
    return larger


def _is_infeasible(status: Mapping[str, Any]) -> bool:
    return any(
        item.get("type") == "PodResizePending" and item.get("reason") == "Infeasible"
        for item in status.get("conditions") or ()
    )


def _raise(amounts: Amounts, name: str, amount: Quantity) -> None:
    if name not in amounts or amounts[name] < amount:
        amounts[name] = amount


def _add(total: Amounts, amounts: Amounts) -> None:
    for name, amount in amounts.items():
        total[name] = total[name] + amount if name in total else amount


def _amounts(given: Mapping[str, Any] | None) -> Amounts:
    return {name: parse(str(value)) for name, value in (given or {}).items()}
