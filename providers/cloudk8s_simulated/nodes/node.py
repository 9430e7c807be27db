"""What a simulated node says about itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.machinery.times import format_micro_time, format_time

_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)
_UNINITIALIZED = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}
_FEATURES = ("RestartAllContainersOnContainerExits",)
"""Their pods do as their stages say, whatever they need."""
LEASE_NAMESPACE = "kube-node-lease"
LEASE_SECONDS = 40


def labels(name: str, zone: int) -> dict[str, str]:
    """The labels that a cloud controller would give to a node of the simulated cloud."""
    return {
        "node.kubernetes.io/instance-type": "simulated",
        "topology.kubernetes.io/region": "simulated",
        "topology.kubernetes.io/zone": f"simulated-{chr(ord('a') + zone)}",
    }


def node(
    name: str, *, capacity: dict[str, str], labels: dict[str, str], taints: list[dict[str, Any]], provider_id: str
) -> Object:
    """The Node object as a kubelet would register it; its status is reported apart."""
    spec = {"providerID": provider_id} | ({"taints": taints} if taints else {})
    return _node(name, capacity, labels, spec)


def uninitialized_node(
    name: str, *, capacity: dict[str, str], labels: dict[str, str], taints: list[dict[str, Any]]
) -> Object:
    """The same of a kubelet whose cloud is external: tainted until the cloud controllers have been here."""
    return _node(name, capacity, labels, {"taints": [_UNINITIALIZED, *taints]})


def _node(name: str, capacity: dict[str, str], labels: dict[str, str], spec: dict[str, Any]) -> Object:
    standard = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "type": "simulated",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": standard | labels},
        "spec": spec,
        "status": {"capacity": capacity, "allocatable": capacity},
    }


def status(capacity: dict[str, str], address: str, name: str, version: str, now: datetime) -> dict[str, Any]:
    """The whole status of a healthy node."""
    moment = format_time(now)
    conditions = [
        {
            "type": kind,
            "status": value,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": moment,
            "lastTransitionTime": moment,
        }
        for kind, value, reason, message in _CONDITIONS
    ]
    return {
        "capacity": capacity,
        "allocatable": capacity,
        "conditions": conditions,
        "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": "",
            "containerRuntimeVersion": "simulated://1.0",
            "kernelVersion": "simulated",
            "kubeProxyVersion": "",
            "kubeletVersion": version,
            "machineID": "",
            "operatingSystem": "linux",
            "osImage": "simulated",
            "systemUUID": "",
        },
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
        "declaredFeatures": list(_FEATURES),
    }


def lease(name: str, uid: str, now: datetime) -> Object:
    """The heartbeat of a node."""
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": format_micro_time(now)},
    }
