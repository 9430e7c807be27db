"""What became of sets, deployments, the control plane and the cluster: sums over machines. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition, is_deleting, is_true, labels_of, spec_of
from cloudk8s.provisioning.objects.conditions import Condition, all_of, shown


def replicas_of(machines: Sequence[Object]) -> dict[str, int]:
    """How many there are, and how many are ready, available and of the current template."""
    return {
        "replicas": len(machines),
        "readyReplicas": sum(is_true(entry, "Ready") for entry in machines),
        "availableReplicas": sum(is_true(entry, "Available") for entry in machines),
        "upToDateReplicas": sum(is_true(entry, "UpToDate") for entry in machines),
    }


def group_status(
    owner: Object, machines: Sequence[Object], *, fewest: int, selector: str, now: str, problem: str = ""
) -> dict[str, Any]:
    """The status of a MachineSet, a MachineDeployment or the control plane."""
    wanted = int(spec_of(owner).get("replicas") or 0)
    found = replicas_of(machines)
    outdated = found["replicas"] - found["upToDateReplicas"]
    available = found["availableReplicas"]
    conditions = [
        Condition.of(
            "Available", available >= fewest,
            message=problem or f"{available} available replicas, at least {fewest} required",
        ),
        all_of("MachinesReady", machines, "Ready", kind="Machine"),
        all_of("MachinesUpToDate", machines, "UpToDate", kind="Machine"),
        _is("RollingOut", outdated > 0, f"Rolling out {outdated} not up-to-date replicas"),
        _is("ScalingUp", found["replicas"] < wanted, f"Scaling up from {found['replicas']} to {wanted} replicas"),
        _is("ScalingDown", found["replicas"] > wanted, f"Scaling down from {found['replicas']} to {wanted} replicas"),
        _is("Remediating", any(_is_unwell(entry) for entry in machines), "Machines are not well"),
        _is("Deleting", is_deleting(owner), "Waiting for its machines"),
        _is("Paused", bool(spec_of(owner).get("paused")), "spec.paused is set"),
    ]  # fmt: skip
    return {**found, "selector": selector, "conditions": shown(conditions, owner, now), "phase": _phase(owner, found)}


def cluster_status(
    root: Object, control_plane: Sequence[Object], workers: Sequence[Object], wanted: tuple[int, int], *,
    now: str, zones: Sequence[str], has_endpoint: bool, paused: bool, problem: str,
) -> dict[str, Any]:  # fmt: skip
    """The status of the cluster. `wanted` machines of the control plane, and workers."""
    first, rest = replicas_of(control_plane), replicas_of(workers)
    initialized = first["availableReplicas"] > 0
    deleting = is_deleting(root)
    parts = [
        Condition.of("InfrastructureReady", has_endpoint, message="the network is not there yet"),
        Condition.of("ControlPlaneInitialized", initialized, message="no machine of the control plane serves yet"),
        Condition.of(
            "ControlPlaneAvailable", first["availableReplicas"] >= wanted[0] // 2 + 1,
            message=f"{first['availableReplicas']} of {wanted[0]} machines available",
        ),
        Condition.of(
            "WorkersAvailable", rest["availableReplicas"] >= wanted[1],
            message=f"{rest['availableReplicas']} of {wanted[1]} machines available",
        ),
        all_of("ControlPlaneMachinesReady", control_plane, "Ready", kind="Machine"),
        all_of("ControlPlaneMachinesUpToDate", control_plane, "UpToDate", kind="Machine"),
        all_of("WorkerMachinesReady", workers, "Ready", kind="Machine"),
        all_of("WorkerMachinesUpToDate", workers, "UpToDate", kind="Machine"),
        Condition("RemoteConnectionProbe", True, "ProbeSucceeded"),
        _is("RollingOut", _outdated(first) + _outdated(rest) > 0, "Machines are being replaced"),
        _is("Deleting", deleting, _deleting(root)),
        _is("Paused", paused, "spec.paused or the annotation cluster.x-k8s.io/paused is set"),
        Condition("TopologyReconciled", not problem, "ReconcileFailed" if problem else "ReconcileSucceeded", problem),
    ]  # fmt: skip
    needed = ("InfrastructureReady", "ControlPlaneAvailable", "WorkersAvailable", "TopologyReconciled")
    lacking = [each for each in parts if each.type in needed and not each.holds]
    lines = "\n".join(f"* {each.type}: {each.message}" for each in lacking)
    parts.append(Condition.of("Available", not lacking and not deleting, message=lines or "it is being deleted"))
    before = (root.get("status") or {}).get("initialization") or {}
    return {
        "initialization": {
            "infrastructureProvisioned": has_endpoint or bool(before.get("infrastructureProvisioned")),
            "controlPlaneInitialized": initialized or bool(before.get("controlPlaneInitialized")),
        },
        "phase": "Deleting" if deleting else ("Provisioned" if has_endpoint and initialized else "Provisioning"),
        "failureDomains": [{"name": zone, "controlPlane": True} for zone in zones],
        "controlPlane": {"desiredReplicas": wanted[0], **first}, "workers": {"desiredReplicas": wanted[1], **rest},
        "conditions": shown(parts, root, now),
    }  # fmt: skip


def health_status(machines: Sequence[Object]) -> dict[str, Any]:
    """The status of a MachineHealthCheck."""
    return {
        "expectedMachines": len(machines),
        "currentHealthy": sum(is_true(entry, "HealthCheckSucceeded") for entry in machines),
        "targets": sorted(entry["metadata"]["name"] for entry in machines),
    }


def labelled(machines: Sequence[Object], labels: Mapping[str, str]) -> list[Object]:
    """The machines with these labels."""
    return [entry for entry in machines if labels.items() <= labels_of(entry).items()]


def _is(type: str, holds: bool, message: str) -> Condition:
    return Condition(type, holds, type if holds else f"Not{type}", message if holds else "")


def _outdated(found: Mapping[str, int]) -> int:
    return found["replicas"] - found["upToDateReplicas"]


def _is_unwell(machine: Object) -> bool:
    return (condition(machine, "HealthCheckSucceeded") or {}).get("status") == "False"


def _deleting(root: Object) -> str:
    name = root["metadata"]["name"]
    return f"a cluster does not delete what it runs on; from anywhere else: cloudk8s cluster delete {name}"


def _phase(owner: Object, found: Mapping[str, int]) -> str:
    wanted = int(spec_of(owner).get("replicas") or 0)
    if is_deleting(owner):
        return "Deleting"
    if found["replicas"] != wanted:
        return "ScalingUp" if found["replicas"] < wanted else "ScalingDown"
    return "Running" if found["availableReplicas"] >= wanted else "ScalingUp"


def selector_text(labels: Mapping[str, str]) -> str:
    """A selector as text, for `scale`."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
