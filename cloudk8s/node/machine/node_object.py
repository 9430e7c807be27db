"""The Node object as this agent wants it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.machinery.times import format_time
from cloudk8s.node.machine.capacity import Machine
from cloudk8s.node.runtimes.interface import Image, RuntimeStatus, RuntimeVersion
from cloudk8s.node.settings import NodeSettings

ISOLATION_ANNOTATION = "cloudk8s.dev/missing-isolation"
ISOLATION_CONDITION = "IsolationComplete"
_FEATURES = ("RestartAllContainersOnContainerExits",)
_FEATURES_SINCE = 36
MAX_IMAGES = 50
_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


@dataclass(frozen=True, slots=True)
class Self:
    """Everything the node knows of itself."""

    machine: Machine
    addresses: Sequence[Mapping[str, str]]
    capacity: Mapping[str, str]
    allocatable: Mapping[str, str]
    runtime: RuntimeVersion
    runtime_status: RuntimeStatus
    images: Sequence[Image]
    port: int
    pressures: Mapping[str, str]
    """Condition type to message, for those that are under pressure."""
    volumes_in_use: Sequence[str] = ()
    """What must not be detached, by unique name."""
    is_shutting_down: bool = False


def labels(settings: NodeSettings, machine: Machine) -> dict[str, str]:
    """The labels that every node carries."""
    own = {
        "kubernetes.io/hostname": settings.node_name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": machine.architecture,
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": machine.architecture,
    }
    return own | settings.node_labels


def new_node(settings: NodeSettings, own: Self, now: datetime) -> Object:
    """What is registered where there is no such node yet."""
    taints = [dict(taint) for taint in settings.register_with_taints]
    if settings.cloud_provider == "external":
        taints.append(
            {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}
        )
    spec: dict[str, Any] = {"taints": taints} if taints else {}
    if settings.pod_cidr:
        ranges = [part.strip() for part in settings.pod_cidr.split(",")]
        spec |= {"podCIDR": ranges[0], "podCIDRs": ranges}
    if settings.provider_id:
        spec["providerID"] = settings.provider_id
    annotations = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"} | isolation_annotation(own)
    metadata = {"name": settings.node_name, "labels": labels(settings, own.machine), "annotations": annotations}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec}
    return node | {"status": node_status(settings, own, {}, now)}


def isolation_annotation(own: Self) -> dict[str, str]:
    """States what isolation is missing, for those who only look at metadata."""
    missing = own.runtime_status.missing_isolation
    return {ISOLATION_ANNOTATION: "; ".join(missing)} if missing else {}


def node_status(settings: NodeSettings, own: Self, previous: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """`status`, with what others added to it: extended resources and conditions of their own."""
    before = {condition["type"]: condition for condition in previous.get("conditions") or ()}
    wanted = [_timed(condition, before, now) for condition in _conditions(own)]
    types = {condition["type"] for condition in wanted}
    foreign = [condition for kind, condition in before.items() if kind not in types]
    machine = own.machine
    advertised = _extended(previous.get("capacity"), own.capacity)
    in_use = own.volumes_in_use or previous.get("volumesInUse")
    return {
        **({"volumesInUse": list(own.volumes_in_use)} if in_use else {}),
        "addresses": [dict(address) for address in own.addresses],
        "capacity": {**advertised, **own.capacity},
        "allocatable": {**advertised, **own.allocatable},
        "conditions": [*foreign, *wanted],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": own.port}},
        "images": [_image(image) for image in sorted(own.images, key=lambda each: -each.size)[:MAX_IMAGES]],
        "nodeInfo": {
            "machineID": machine.machine_id,
            "systemUUID": machine.machine_id,
            "bootID": machine.boot_id,
            "kernelVersion": machine.kernel,
            "osImage": machine.os_image,
            "containerRuntimeVersion": f"{own.runtime.name}://{own.runtime.version}",
            "kubeletVersion": settings.kubernetes_version,
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": machine.architecture,
        },
        **declared_features(settings.kubernetes_version),
        "runtimeHandlers": [_handler(name, own.runtime_status) for name in own.runtime_status.handlers],
    }


def status_patch(status: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, Any]:
    """What to merge into the previous status: lists that are whole, and no amounts of resources that are gone."""
    gone = dict.fromkeys(set(previous.get("allocatable") or ()) - set(status["allocatable"]))
    return {**status, "addresses": _replacing(status["addresses"]), "allocatable": status["allocatable"] | gone}


def declared_features(kubernetes_version: str) -> dict[str, list[str]]:
    """What schedulers ask for since 1.36, of that which a node of ours can do; older servers would drop it."""
    minor = kubernetes_version.removeprefix("v").split(".")[1]
    return {"declaredFeatures": list(_FEATURES)} if int(minor) >= _FEATURES_SINCE else {}


def is_same(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Whether two statuses differ in nothing but heartbeat times."""

    def still(status: Mapping[str, Any]) -> dict[str, Any]:
        conditions = [{**each, "lastHeartbeatTime": None} for each in status.get("conditions") or ()]
        return {**status, "conditions": sorted(conditions, key=lambda each: str(each["type"]))}

    return still(left) == still(right)


def _conditions(own: Self) -> list[dict[str, str]]:
    conditions = []
    for kind, reason, message in _PRESSURES:
        under = own.pressures.get(kind)
        conditions.append(
            _condition(kind, "False", reason, message)
            if under is None
            else _condition(
                kind, "True", reason.replace("HasSufficient", "HasInsufficient").replace("HasNo", "Has"), under
            )
        )
    status = own.runtime_status
    if missing := status.missing_isolation:
        text = f"this node's containers do without: {'; '.join(missing)}"
        conditions.append(_condition(ISOLATION_CONDITION, "False", "IsolationMissing", text))
    if own.is_shutting_down:
        conditions.append(_condition("Ready", "False", "KubeletNotReady", "node is shutting down"))
    elif status.ready and status.network_ready:
        conditions.append(_condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"))
    else:
        message = status.message or "container runtime network not ready"
        conditions.append(_condition("Ready", "False", "KubeletNotReady", message))
    return conditions


def _condition(kind: str, status: str, reason: str, message: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def _timed(condition: dict[str, str], before: Mapping[str, Mapping[str, Any]], now: datetime) -> dict[str, str]:
    old = before.get(condition["type"], {})
    same = old.get("status") == condition["status"]
    times = {
        "lastHeartbeatTime": format_time(now),
        "lastTransitionTime": old["lastTransitionTime"] if same else format_time(now),
    }
    return {"type": condition["type"], "status": condition["status"], **times, **condition}


def _handler(name: str, status: RuntimeStatus) -> dict[str, Any]:
    features = {
        "recursiveReadOnlyMounts": name in status.with_recursive_readonly,
        "userNamespaces": name in status.with_users,
    }
    return {"name": name, "features": features}


def _extended(amounts: Mapping[str, str] | None, own: Mapping[str, str]) -> dict[str, str]:
    """Resources that others advertise on this node: all whose names have a domain."""
    return {name: value for name, value in (amounts or {}).items() if "/" in name and name not in own}


def _image(image: Image) -> dict[str, Any]:
    return {"names": [*image.digests, *image.tags][:5], "sizeBytes": image.size}


def _replacing(addresses: list[dict[str, str]]) -> list[dict[str, str]]:
    """Addresses are merged by type, which two of one type do not survive: say that the list is whole."""
    types = [address["type"] for address in addresses]
    return addresses if len(set(types)) == len(types) else [*addresses, {"$patch": "replace"}]
