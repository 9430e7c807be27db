"""What a pod asks of a node: CPU in thousandths, everything else in whole units.

The rules are upstream's: restartable init containers run beside the others, the rest of the init containers one after
the other; overhead is added; requests of the pod as a whole win over those of its containers.
https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/753-sidecar-containers
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from cloudk8s.machinery import quantity

Amounts = dict[str, int]

CPU: Final = "cpu"
MEMORY: Final = "memory"
PODS: Final = "pods"
DEFAULT_CPU: Final = 100
DEFAULT_MEMORY: Final = 200 * 1024 * 1024
"""What a container that says nothing counts for in scores, as upstream has it."""
LIMIT: Final = 2**62


@lru_cache(maxsize=8192)
def amount(resource: str, value: str | int | float) -> int:
    """A quantity as a whole number: thousandths of CPUs, units of everything else."""
    parsed = quantity.parse(value)
    return min(parsed.milli_value if resource == CPU else parsed.value, LIMIT)


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    """A resource list as numbers."""
    return {name: amount(name, value) for name, value in (quantities or {}).items()}


def pod_requests(
    spec: Mapping[str, Any], status: Mapping[str, Any] | None = None, *, defaults: bool = False
) -> Amounts:
    """The sum a pod takes from a node; with `defaults`, silent containers count for a little, as scores want it.

    With `status`, a container that is being resized takes the larger of what it has and what it wants.
    """
    allocated = _allocated(status)
    total: Amounts = {}
    for container in spec.get("containers") or ():
        _add(total, _container(container, allocated, defaults))
    initial: Amounts = {}
    sidecars: Amounts = {}
    for container in spec.get("initContainers") or ():
        wanted = _container(container, allocated, defaults)
        if container.get("restartPolicy") == "Always":
            _add(total, wanted)
            _add(sidecars, wanted)
            wanted = sidecars
        else:
            _add(wanted, sidecars)
        _raise(initial, wanted)
    _raise(total, initial)
    total |= amounts((spec.get("resources") or {}).get("requests"))
    _add(total, amounts(spec.get("overhead")))
    return total


def _allocated(status: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    if not status:
        return {}
    found = {}
    for container in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        if has := container.get("allocatedResources"):
            found[container.get("name", "")] = has
    return found


def _container(container: Mapping[str, Any], allocated: Mapping[str, Mapping[str, Any]], defaults: bool) -> Amounts:
    wanted = amounts((container.get("resources") or {}).get("requests"))
    if (has := allocated.get(container.get("name", ""))) is not None:
        _raise(wanted, amounts(has))
    if defaults:
        wanted.setdefault(CPU, DEFAULT_CPU)
        wanted.setdefault(MEMORY, DEFAULT_MEMORY)
    return wanted


def _add(total: Amounts, more: Mapping[str, int]) -> None:
    for name, value in more.items():
        total[name] = min(total.get(name, 0) + value, LIMIT)


def _raise(total: Amounts, least: Mapping[str, int]) -> None:
    for name, value in least.items():
        if value > total.get(name, 0):
            total[name] = value
