"""What a simulated node reports about a pod: running, and in the end succeeded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.machinery.times import format_time

RUN_SECONDS = "simulated.cloudk8s.io/run-seconds"
"""Annotation: how long the containers run before they exit by themselves."""
EXIT_CODE = "simulated.cloudk8s.io/exit-code"
"""Annotation: the exit code they end with; 0 if absent."""


def running(pod: Object, *, address: str, host: str, now: datetime) -> dict[str, Any]:
    """The status of a pod whose containers all run and are ready."""
    moment = format_time(now)
    started = {"running": {"startedAt": moment}}
    return {
        "phase": "Running",
        "hostIP": host,
        "hostIPs": [{"ip": host}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": moment,
        "conditions": _conditions(pod, moment, ready=True),
        "initContainerStatuses": [_init_status(item, moment) for item in pod["spec"].get("initContainers") or []],
        "containerStatuses": [_status(item, started, ready=True) for item in pod["spec"]["containers"]],
    }


def finished(pod: Object, *, code: int, now: datetime) -> dict[str, Any]:
    """The status of a pod whose containers have all exited with `code`."""
    moment = format_time(now)
    began = (pod.get("status") or {}).get("startTime", moment)
    reason = "Completed" if code == 0 else "Error"
    ended = {"exitCode": code, "reason": reason, "startedAt": began, "finishedAt": moment}
    state = {"terminated": {**ended, "containerID": f"simulated://{pod['metadata']['uid']}"}}
    return {
        "phase": "Succeeded" if code == 0 else "Failed",
        "conditions": _conditions(pod, moment, ready=False),
        "containerStatuses": [_status(item, state, ready=False) for item in pod["spec"]["containers"]],
    }


def run_seconds(pod: Object, job_seconds: float) -> float | None:
    """How long the pod runs; None is for ever. Pods of Jobs end by themselves."""
    annotations: Mapping[str, str] = pod["metadata"].get("annotations") or {}
    if RUN_SECONDS in annotations:
        return float(annotations[RUN_SECONDS])
    owners = pod["metadata"].get("ownerReferences") or []
    return job_seconds if any(owner["kind"] == "Job" for owner in owners) else None


def exit_code(pod: Object) -> int:
    """What the containers of the pod exit with."""
    return int((pod["metadata"].get("annotations") or {}).get(EXIT_CODE, 0))


def _conditions(pod: Object, moment: str, *, ready: bool) -> list[dict[str, Any]]:
    kept = [item for item in (pod.get("status") or {}).get("conditions") or [] if item["type"] == "PodScheduled"]
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or []]
    reason = {} if ready else {"reason": "PodCompleted"}
    text = "True" if ready else "False"
    values = [
        ("PodReadyToStartContainers", text, {}),
        ("Initialized", "True", reason),
        ("Ready", "False" if gates else text, reason),
        ("ContainersReady", text, reason),
    ]
    made = [
        {"type": kind, "status": value, "lastProbeTime": None, "lastTransitionTime": moment, **extra}
        for kind, value, extra in values
    ]
    return [*made, *kept]


def _status(container: Mapping[str, Any], state: dict[str, Any], *, ready: bool) -> dict[str, Any]:
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": f"simulated://{container.get('image', '')}",
        "containerID": f"simulated://{container['name']}",
        "ready": ready,
        "started": ready,
        "restartCount": 0,
        "state": state,
        "lastState": {},
    }


def _init_status(container: Mapping[str, Any], moment: str) -> dict[str, Any]:
    if container.get("restartPolicy") == "Always":
        return _status(container, {"running": {"startedAt": moment}}, ready=True)
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": moment, "finishedAt": moment}
    return _status(container, {"terminated": ended}, ready=True) | {"started": False}
