"""How much of each quota resource one object uses (upstream's quota evaluators)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from cloudk8s.api.quota import pods
from cloudk8s.api.quota.pods import Amounts
from cloudk8s.api.resource import Object
from cloudk8s.machinery.quantity import Quantity, parse

_MOST_DEVICES: Final = 32
"""Devices that one claim can have; what asks for all there are is charged as much."""


class Named(Protocol):
    """A resource by its names, as the server or a client has it."""

    @property
    def group(self) -> str: ...

    @property
    def plural(self) -> str: ...


MEASURED: Final = frozenset({"pods", "services", "persistentvolumeclaims", "resourceclaims"})
"""Resources whose usage depends on what they say, not only on how many there are."""
_COUNTED: Final = frozenset(
    {"configmaps", "secrets", "services", "replicationcontrollers", "resourcequotas", "persistentvolumeclaims", "pods"}
)
"""Core resources that have a quota name without `count/`."""
_STANDARD: Final = ("cpu", "memory", "ephemeral-storage")
_BETA_CLASS: Final = "volume.beta.kubernetes.io/storage-class"


def of(resource: Named, obj: Object) -> Amounts:
    """What one object counts for, by quota resource name."""
    one = Quantity.of(1)
    qualified = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
    amounts: Amounts = {f"count/{qualified}": one}
    if (resource.plural, resource.group) == ("resourceclaims", "resource.k8s.io"):
        return amounts | _devices(obj)
    if resource.group:
        return amounts
    if resource.plural == "pods":
        return amounts | (_pod(obj) if not is_finished(obj) else {})
    if resource.plural in _COUNTED:
        amounts[resource.plural] = one
    if resource.plural == "services":
        amounts |= _service(obj)
    elif resource.plural == "persistentvolumeclaims":
        amounts |= _claim(obj)
    return amounts


def is_finished(pod: Object) -> bool:
    """Pods that have ended, or are past their deadline to end, use nothing."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def unsaid(pod: Object, names: Iterable[str]) -> dict[str, list[str]]:
    """Which containers leave out what a quota demands to be said, by quota resource name."""
    missing: dict[str, list[str]] = {}
    spec = pod.get("spec") or {}
    for name in names:
        field, resource = ("limits", name[7:]) if name.startswith("limits.") else ("requests", name.split(".")[-1])
        silent = [
            container["name"]
            for container in (*(spec.get("containers") or []), *(spec.get("initContainers") or []))
            if not pods.says(pod, field, resource)
            and resource not in ((container.get("resources") or {}).get(field) or {})
        ]
        if silent:
            missing[name] = silent
    return missing


def _pod(pod: Object) -> Amounts:
    amounts: Amounts = {"pods": Quantity.of(1)}
    for name, amount in pods.pod_resources(pod, "requests").items():
        amounts[f"requests.{name}"] = amount
        if name in _STANDARD:
            amounts[name] = amount
    for name, amount in pods.pod_resources(pod, "limits").items():
        if name in _STANDARD:
            amounts[f"limits.{name}"] = amount
    return amounts


def _service(service: Object) -> Amounts:
    spec = service.get("spec") or {}
    ports = len(spec.get("ports") or [])
    kind = spec.get("type")
    if kind == "NodePort":
        return {"services.nodeports": Quantity.of(ports)}
    if kind != "LoadBalancer":
        return {}
    node_ports = ports
    if spec.get("allocateLoadBalancerNodePorts") is False:
        node_ports = sum(1 for port in spec.get("ports") or [] if port.get("nodePort"))
    return {"services.loadbalancers": Quantity.of(1), "services.nodeports": Quantity.of(node_ports)}


def _claim(claim: Object) -> Amounts:
    spec = claim.get("spec") or {}
    annotations = claim["metadata"].get("annotations") or {}
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    storage_class = annotations.get(_BETA_CLASS) or spec.get("storageClassName") or ""
    amounts: Amounts = {}
    if storage is not None:
        amounts["requests.storage"] = parse(storage)
    if storage_class:
        prefix = f"{storage_class}.storageclass.storage.k8s.io"
        amounts[f"{prefix}/persistentvolumeclaims"] = Quantity.of(1)
        if storage is not None:
            amounts[f"{prefix}/requests.storage"] = parse(storage)
    return amounts


def _devices(claim: Object) -> Amounts:
    """Devices by class; of alternatives the worst case for each class."""
    requests = (((claim.get("spec") or {}).get("devices") or {}).get("requests")) or ()
    totals: dict[str, int] = {}
    for request in requests:
        worst: dict[str, int] = {}
        for each in request.get("firstAvailable") or [request.get("exactly") or {}]:
            if device_class := each.get("deviceClassName"):
                worst[device_class] = max(worst.get(device_class, 0), _device_count(each))
        for device_class, count in worst.items():
            totals[device_class] = totals.get(device_class, 0) + count
    return {f"{name}.deviceclass.resource.k8s.io/devices": Quantity.of(count) for name, count in totals.items()}


def _device_count(request: Mapping[str, Any]) -> int:
    match request.get("allocationMode") or "ExactCount":
        case "ExactCount":
            count = request.get("count")
            return 1 if count is None else int(count)
        case "All":
            return _MOST_DEVICES
    return 0
