"""A pod's conditions, in upstream's order and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, status_of
from cloudk8s.machinery.times import format_time
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.pod import Container

Status = Mapping[str, Any]
Condition = dict[str, Any]

OWNED = (
    "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled",
    "PodResizePending", "PodResizeInProgress",
)  # fmt: skip
"""Condition types that the node writes; all others are kept as the API has them."""


def conditions(
    pod: Object, phase: str, init: Sequence[Status], regular: Sequence[Status], *, has_sandbox: bool
) -> list[Condition]:  # fmt: skip
    """The conditions without times."""
    containers_ready = _containers_ready(pod, phase, init, regular)
    return [
        _condition("PodReadyToStartContainers", has_sandbox),
        _initialized(pod, phase, init, regular),
        _ready(pod, containers_ready),
        containers_ready,
        _condition("PodScheduled", True),
    ]


def disruption(message: str) -> Condition:
    """The node ends a pod that did nothing wrong; controllers count that apart from failures."""
    return _condition("DisruptionTarget", True, "TerminationByKubelet", message)


def beginning_anew(value: bool) -> Condition:
    """Whether all containers end and start again, as a rule of one of them says."""
    return _condition("AllContainersRestarting", value)


def with_times(
    wanted: Sequence[Condition], previous: Sequence[Status], *, now: datetime, generation: int
) -> list[Condition]:  # fmt: skip
    """Keep the transition time of what has not changed."""
    before = {condition["type"]: condition for condition in previous}
    finished = []
    for condition in wanted:
        old = before.get(condition["type"])
        same = old is not None and old.get("status") == condition["status"]
        moment = old.get("lastTransitionTime") if same and old is not None else format_time(now)
        timed = {"type": condition["type"], "observedGeneration": generation, "status": condition["status"]}
        timed |= {"lastProbeTime": None, "lastTransitionTime": moment}
        timed |= {key: condition[key] for key in ("reason", "message") if condition.get(key)}
        finished.append(timed)
    return finished


def _initialized(pod: Object, phase: str, init: Sequence[Status], regular: Sequence[Status]) -> Condition:
    incomplete = [] if _has_regular_begun(regular) else _incomplete(pods.init_containers(pod), init)
    if phase == "Succeeded":
        return _condition("Initialized", True, "PodCompleted" if pods.init_containers(pod) else "")
    if not incomplete:
        return _condition("Initialized", True)
    message = f"containers with incomplete status: {_names(incomplete)}"
    return _condition("Initialized", False, "ContainersNotInitialized", message)


def _containers_ready(pod: Object, phase: str, init: Sequence[Status], regular: Sequence[Status]) -> Condition:
    if phase in ("Succeeded", "Failed"):
        return _condition("ContainersReady", False, "PodCompleted" if phase == "Succeeded" else "PodFailed")
    by_name = {status["name"]: status for status in (*init, *regular)}
    wanted = [container["name"] for container in (*pods.sidecars(pod), *pods.containers(pod))]
    unknown = [name for name in wanted if name not in by_name]
    unready = [name for name in wanted if name in by_name and not by_name[name]["ready"]]
    messages = [f"containers with unknown status: {_names(unknown)}"] if unknown else []
    messages += [f"containers with unready status: {_names(unready)}"] if unready else []
    if not messages:
        return _condition("ContainersReady", True)
    return _condition("ContainersReady", False, "ContainersNotReady", ", ".join(messages))


def _ready(pod: Object, containers_ready: Condition) -> Condition:
    if containers_ready["status"] != "True":
        return {**containers_ready, "type": "Ready"}
    by_type = {condition["type"]: condition for condition in status_of(pod).get("conditions") or ()}
    messages = []
    for gate in spec_of(pod).get("readinessGates") or ():
        kind = gate["conditionType"]
        if kind not in by_type:
            messages.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif by_type[kind].get("status") != "True":
            status = by_type[kind].get("status")
            messages.append(f'the status of pod readiness gate "{kind}" is not "True", but {status}')
    if messages:
        return _condition("Ready", False, "ReadinessGatesNotReady", ", ".join(messages))
    return _condition("Ready", True)


def _incomplete(containers: Sequence[Container], init: Sequence[Status]) -> list[str]:
    by_name = {status["name"]: status for status in init}
    found = []
    for container in containers:
        status = by_name.get(container["name"])
        key = "started" if pods.is_sidecar(container) else "ready"
        if status is None or not status.get(key):
            found.append(container["name"])
    return found


def _has_regular_begun(regular: Sequence[Status]) -> bool:
    return any("waiting" not in status["state"] or status.get("lastState") for status in regular)


def _condition(kind: str, value: bool, reason: str = "", message: str = "") -> Condition:
    return {"type": kind, "status": "True" if value else "False", "reason": reason, "message": message}


def _names(names: Sequence[str]) -> str:
    return f"[{' '.join(names)}]"
