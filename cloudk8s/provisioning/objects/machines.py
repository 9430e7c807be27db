"""Machines as objects: one for each that the cloud runs, made, changed and taken away with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, is_deleting
from cloudk8s.machinery.times import format_time
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE
from cloudk8s.provisioning.machines.health import Ailment
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.objects import kinds
from cloudk8s.provisioning.objects.conditions import Condition, shown
from cloudk8s.provisioning.objects.writing import new, object_name, reference, selector_of


@dataclass(frozen=True, slots=True)
class Context:
    """What is known when machines are shown."""

    cluster: str
    now: datetime
    current: Mapping[str, str]
    """Hash of the template of each group, as declared."""
    ailments: Mapping[str, Ailment]
    """By name, of machines that are not well."""
    versions: Mapping[str, str]
    """The version that each group is to have."""


def set_name(cluster: str, group: str, template: str) -> str:
    """The MachineSet of a template."""
    return f"{object_name(cluster, group)}-{template[:5]}"


def machine_object(view: MachineView, previous: Object | None, context: Context) -> Object:
    """What the object of a machine is to be, status included."""
    machine, cluster = view.machine, context.cluster
    labels = {kinds.TEMPLATE_HASH: view.template}
    if view.group == CONTROL_PLANE:
        labels |= {kinds.CONTROL_PLANE_LABEL: ""}
    else:
        labels |= {**selector_of(cluster, view.group), kinds.SET_NAME: set_name(cluster, view.group, view.template)}
    version = view.version or context.versions.get(view.group, "")
    spec: dict[str, Any] = {
        "clusterName": cluster, "version": f"v{version}" if version else "",
        "infrastructureRef": reference(kinds.TEMPLATES, object_name(cluster, view.group)),
    }  # fmt: skip
    if machine.provider_id:
        spec["providerID"] = machine.provider_id
    if machine.zone:
        spec["failureDomain"] = machine.zone
    found = new(kinds.MACHINES, cluster, view.name, spec, labels=labels, finalizers=[kinds.MACHINE_FINALIZER])
    found["status"] = _status(view, previous, context)
    return found


def _status(view: MachineView, previous: Object | None, context: Context) -> dict[str, Any]:
    machine, node = view.machine, view.node
    is_there = machine.state in ("running", "stopped")
    status: dict[str, Any] = {
        "phase": "Deleting" if _is_going(view, previous) else view.phase,
        "initialization": {"infrastructureProvisioned": is_there, "bootstrapDataSecretCreated": True},
        "addresses": [{"type": entry.type, "address": entry.address} for entry in machine.addresses],
        "conditions": shown(_conditions(view, previous, context), previous, format_time(context.now)),
    }
    if machine.zone:
        status["failureDomain"] = machine.zone
    if node is not None:
        status |= {"nodeRef": {"name": node.name}, "nodeInfo": {"kubeletVersion": node.version}}
    return status


def _is_going(view: MachineView, previous: Object | None) -> bool:
    return view.machine.state == "deleting" or (previous is not None and is_deleting(previous))


def _conditions(view: MachineView, previous: Object | None, context: Context) -> list[Condition]:
    machine, going = view.machine, _is_going(view, previous)
    is_running = machine.state == "running"
    infrastructure = Condition.of(
        "InfrastructureReady", is_running, message=machine.reason or f"the machine is {machine.state}"
    )
    node = _node(view)
    ailment = context.ailments.get(view.name)
    health = Condition.of(
        "HealthCheckSucceeded", ailment is None, otherwise="UnhealthyNode", message=ailment.reason if ailment else ""
    )
    is_ready = is_running and node.holds is True and ailment is None and not going
    lacks = next((each.message for each in (infrastructure, node, health) if each.holds is not True), "")
    ready = Condition.of("Ready", is_ready, message="it is being deleted" if going else lacks)
    is_new = view.template == context.current.get(view.group)
    paused = previous is not None and kinds.PAUSED in annotations_of(previous)
    return [
        Condition.of("BootstrapConfigReady", True), infrastructure, node, health, ready,
        Condition("NodeHealthy", node.holds, node.reason.replace("NodeReady", "NodeHealthy"), node.message),
        Condition("Available", ready.holds, "Available" if is_ready else "NotReady", ready.message),
        Condition.of("UpToDate", is_new, message="what its pool is made of has changed"),
        Condition("Deleting", going, "Deleting" if going else "NotDeleting"),
        Condition("Paused", paused, "Paused" if paused else "NotPaused"),
    ]  # fmt: skip


def _node(view: MachineView) -> Condition:
    if view.node is None:
        if not view.needs_node:
            return Condition.of("NodeReady", view.machine.state == "running", message="the machine does not run")
        return Condition.of(
            "NodeReady", None, otherwise="NodeDoesNotExist", message="it has not joined the cluster yet"
        )
    return Condition.of("NodeReady", view.node.is_ready, message=f"Node {view.node.name}: {view.node.reason}")
