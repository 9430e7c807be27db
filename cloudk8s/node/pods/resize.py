"""Changing the resources of running containers: whether the node has room, and what is left to be done. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.machinery import quantity
from cloudk8s.machinery.quantity import ZERO, Format, Quantity
from cloudk8s.node.containers.resources import PERIOD, container_resources, quota, shares
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.observed import Observed
from cloudk8s.node.pods.pod import Container
from cloudk8s.node.pods.requests import requests
from cloudk8s.node.runtimes.interface import Container as RuntimeContainer
from cloudk8s.node.runtimes.interface import Resources

Granted = Mapping[str, Mapping[str, Any]]
"""Requests and limits by container name."""
_RESIZABLE = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class Decision:
    """What the pod has now, and, where it wants something else, why it must wait."""

    granted: Granted
    reason: str = ""
    message: str = ""

    def conditions(self, *, is_in_progress: bool, error: str = "") -> list[dict[str, str]]:
        """The conditions that tell of it; `error` is why the latest try failed."""
        found = []
        if self.reason:
            found.append({"type": "PodResizePending", "status": "True", "reason": self.reason, "message": self.message})
        if is_in_progress:
            why = {"reason": "Error", "message": error} if error else {}
            found.append({"type": "PodResizeInProgress", "status": "True", **why})
        return found


@dataclass(frozen=True, slots=True)
class Step:
    """One running container that has other limits than it was granted."""

    container: Container
    running: RuntimeContainer
    resources: Resources
    needs_restart: bool


def wanted(pod: Object) -> Granted:
    """What the spec asks for."""
    return {each["name"]: each.get("resources") or {} for each in (*pods.sidecars(pod), *pods.containers(pod))}


def remembered(pod: Object) -> Granted:
    """What the status says that containers were granted, and the spec for those that it says nothing of."""
    found = dict(wanted(pod))
    status = pod.get("status") or {}
    for each in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        if each["name"] in found and each.get("resources") is not None and each.get("state", {}).get("running"):
            found[each["name"]] = each["resources"]
    return found


def decide(pod: Object, granted: Granted, others: Sequence[Object], allocatable: Mapping[str, str]) -> Decision:
    """Grant what the pod asks for if there is room; otherwise it keeps what it has."""
    asked = wanted(pod)
    if _amounts(asked) == _amounts(granted):
        return Decision(asked)
    need = requests(pod)
    for name in _RESIZABLE:
        capacity, amount = quantity.parse(allocatable.get(name, "0")), need.get(name, ZERO)
        used = sum((requests(other).get(name, ZERO) for other in others), ZERO)
        if amount > capacity:
            numbers = f"requested: {_number(name, amount)}, capacity: {_number(name, capacity)}"
            return Decision(granted, "Infeasible", f"Node didn't have enough capacity: {name}, {numbers}")
        if amount + used > capacity:
            return Decision(granted, "Deferred", f"Node didn't have enough resource: {name}")
    return Decision(asked)


def steps(pod: Object, granted: Granted, observed: Observed, *, memory_capacity: int) -> list[Step]:
    """Running containers whose limits are not what was granted."""
    found = []
    for container in (*pods.sidecars(pod), *pods.containers(pod)):
        running = observed.latest(container["name"])
        if running is None or running.state != "running" or running.resources is None:
            continue
        sized = {**container, "resources": granted.get(container["name"], {})}
        resources = container_resources(pod, sized, memory_capacity=memory_capacity)
        changed = _changed(running.resources, resources)
        if changed:
            found.append(Step(container, running, resources, _needs_restart(container, changed)))
    return found


def with_granted(pod: Object, granted: Granted) -> Object:
    """The pod as if it asked for what it was granted."""
    containers = [{**each, "resources": granted.get(each["name"], {})} for each in pods.containers(pod)]
    return {**pod, "spec": {**spec_of(pod), "containers": containers}}


def in_force(granted: Mapping[str, Any], running: Resources) -> dict[str, dict[str, Any]]:
    """Of what a container was granted, the amounts that it really has: until a resize is carried out, the former ones.

    CPU, and the limit of memory, are what the kernel knows; where it would have the same for the granted amount, that
    is shown, for the kernel's numbers are coarser. A limit that is granted and not there yet is left out.
    https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/1287-in-place-update-pod-resources
    """
    limits, requests = dict(granted.get("limits") or {}), dict(granted.get("requests") or {})
    cpu, memory, asked = _parsed(limits, "cpu"), _parsed(limits, "memory"), _parsed(requests, "cpu")
    if cpu is not None and quota(cpu.milli_value) != running.cpu_quota:
        _put(limits, "cpu", Quantity.of_milli(running.cpu_quota * 1000 // (running.cpu_period or PERIOD)))
    if memory is not None and memory.value != running.memory_limit:
        _put(limits, "memory", Quantity.of(running.memory_limit, Format.BINARY_SI))
    if asked is not None and running.cpu_shares and shares(asked.milli_value) != running.cpu_shares:
        _put(requests, "cpu", Quantity.of_milli(-(-running.cpu_shares * 1000 // 1024)))
    return {kind: amounts for kind, amounts in (("limits", limits), ("requests", requests)) if amounts}


def _parsed(amounts: Mapping[str, Any], name: str) -> Quantity | None:
    return quantity.parse(amounts[name]) if name in amounts else None


def _put(amounts: dict[str, Any], name: str, amount: Quantity) -> None:
    if amount:
        amounts[name] = str(amount)
    else:
        del amounts[name]


def _changed(now: Resources, then: Resources) -> set[str]:
    changed = set()
    if (now.cpu_shares, now.cpu_quota) != (then.cpu_shares, then.cpu_quota):
        changed.add("cpu")
    if now.memory_limit != then.memory_limit:
        changed.add("memory")
    return changed


def _needs_restart(container: Container, changed: set[str]) -> bool:
    policies = {each["resourceName"]: each.get("restartPolicy") for each in container.get("resizePolicy") or ()}
    return any(policies.get(name) == "RestartContainer" for name in changed)


def _amounts(granted: Granted) -> dict[str, dict[str, dict[str, Quantity]]]:
    """Comparable: quantities instead of texts, nothing instead of empty parts."""
    return {
        name: {
            kind: {
                key: quantity.parse(value) for key, value in (resources.get(kind) or {}).items() if key in _RESIZABLE
            }
            for kind in ("requests", "limits")
        }
        for name, resources in granted.items()
    }


def _number(name: str, amount: Quantity) -> int:
    return amount.milli_value if name == "cpu" else amount.value
