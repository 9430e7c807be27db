"""The limits of a whole pod, which its containers share: cgroups above theirs. Pure.

https://kubernetes.io/docs/concepts/workloads/resource-managers/ and, for `spec.resources`, KEP 2837.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, uid_of
from cloudk8s.machinery import quantity
from cloudk8s.machinery.quantity import ZERO, Quantity
from cloudk8s.node.containers.resources import PERIOD, quota, shares
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.status.qos import qos_class
from cloudk8s.node.runtimes.interface import Resources

_LEAST: Final = 2


def cgroup_parent(pod: Object) -> str:
    """The pod's group, below that of its quality of service; guaranteed pods stand beside those."""
    quality = qos_class(pod)
    above = "" if quality == "Guaranteed" else f"{quality.lower()}/"
    return f"{above}pod{uid_of(pod)}"


def pod_resources(pod: Object, *, pids_limit: int = 0) -> Resources:
    """What all containers may use together.

    A limit holds for the pod only where every container has one, or the pod says it itself.
    """
    own = spec_of(pod).get("resources") or {}
    overhead = _amounts(spec_of(pod).get("overhead"))
    requests = {**_together(pod, "requests"), **_amounts(own.get("requests"))}
    limits = {**_limits(pod), **_amounts(own.get("limits"))}
    for name in limits:
        requests.setdefault(name, limits[name])
    cpu, memory = (_plus(limits.get(name), overhead.get(name)) for name in ("cpu", "memory"))
    asked = requests.get("cpu", ZERO) + overhead.get("cpu", ZERO)
    return Resources(
        cpu_shares=_LEAST if qos_class(pod) == "BestEffort" else shares(asked.milli_value),
        cpu_quota=quota(cpu.milli_value) if cpu is not None else 0,
        cpu_period=PERIOD,
        memory_limit=memory.value if memory is not None else 0,
        pids_limit=pids_limit,
    )


def _limits(pod: Object) -> dict[str, Quantity]:
    """The containers' limits together, of what all of them limit."""
    every = [_of(container, "limits") for container in (*pods.containers(pod), *pods.init_containers(pod))]
    names = set.intersection(*(set(amounts) for amounts in every)) if every else set()
    return {name: amount for name, amount in _together(pod, "limits").items() if name in names}


def _together(pod: Object, kind: str) -> dict[str, Quantity]:
    """Of all containers that run at once: the ordinary ones and sidecars, or one that starts before them."""
    whole = _sum([_of(each, kind) for each in (*pods.containers(pod), *pods.sidecars(pod))])
    before: dict[str, Quantity] = {}
    for container in pods.init_containers(pod):
        if pods.is_sidecar(container):
            before = _sum([before, _of(container, kind)])
        else:
            peak = _sum([before, _of(container, kind)])
            whole = {name: max(whole.get(name, ZERO), peak.get(name, ZERO)) for name in {**whole, **peak}}
    return whole


def _sum(amounts: Sequence[Mapping[str, Quantity]]) -> dict[str, Quantity]:
    total: dict[str, Quantity] = {}
    for each in amounts:
        for name, amount in each.items():
            total[name] = total.get(name, ZERO) + amount
    return total


def _of(container: pods.Container, kind: str) -> dict[str, Quantity]:
    return _amounts((container.get("resources") or {}).get(kind))


def _amounts(amounts: Mapping[str, Any] | None) -> dict[str, Quantity]:
    return {name: quantity.parse(value) for name, value in (amounts or {}).items()}


def _plus(amount: Quantity | None, more: Quantity | None) -> Quantity | None:
    return amount if amount is None or more is None else amount + more
