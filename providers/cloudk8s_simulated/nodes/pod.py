"""What a simulated node reports about a pod: running, restarted, and in the end succeeded or failed.

The containers of a pod share their fate: they start, fail and start again together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.machinery.times import format_time

RUN_SECONDS = "simulated.cloudk8s.io/run-seconds"
"""Annotation: how long the containers run before they exit by themselves."""
EXIT_CODE = "simulated.cloudk8s.io/exit-code"
"""Annotation: the exit code they end with; 0 if absent."""
START_SECONDS = "simulated.cloudk8s.io/start-seconds"
"""Annotation: how long it takes from binding to Running."""
FIRST_BACKOFF, LONGEST_BACKOFF = 10.0, 300.0
"""A kubelet's waits before it starts a container again; the very first time it does not wait."""


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
    """The status of a pod whose containers have all exited with `code` for good."""
    moment, restarts = format_time(now), restart_count(pod)
    state = {"terminated": _ended(pod, code, moment)}
    return {
        "phase": "Succeeded" if code == 0 else "Failed",
        "conditions": _conditions(pod, moment, ready=False),
        "containerStatuses": [
            _status(item, state, ready=False, restarts=restarts) for item in pod["spec"]["containers"]
        ],
    }


def waiting(pod: Object, *, code: int, now: datetime) -> dict[str, Any]:
    """The status of a pod whose containers have exited with `code` and will be started again after a while."""
    moment, restarts, name = format_time(now), restart_count(pod), pod["metadata"]["name"]
    seconds = f"{round(backoff(restarts))}s"
    place = f"pod={name}_{pod['metadata']['namespace']}({pod['metadata']['uid']})"
    last = {"terminated": _ended(pod, code, moment)}
    statuses = []
    for item in pod["spec"]["containers"]:
        text = f"back-off {seconds} restarting failed container={item['name']} {place}"
        state = {"waiting": {"reason": "CrashLoopBackOff", "message": text}}
        statuses.append(_status(item, state, ready=False, restarts=restarts, last=last))
    conditions = _conditions(pod, moment, ready=False, unready="ContainersNotReady")
    return {"phase": "Running", "conditions": conditions, "containerStatuses": statuses}


def restarted(pod: Object, *, code: int, now: datetime) -> dict[str, Any]:
    """The status of a pod whose containers run again; `code` is what they had exited with."""
    moment, known = format_time(now), last_ended(pod)
    last = {"terminated": dict(known) if known else _ended(pod, code, moment)}
    state, restarts = {"running": {"startedAt": moment}}, restart_count(pod) + 1
    return {
        "phase": "Running",
        "conditions": _conditions(pod, moment, ready=True),
        "containerStatuses": [
            _status(item, state, ready=True, restarts=restarts, last=last) for item in pod["spec"]["containers"]
        ],
    }


def restart_count(pod: Object) -> int:
    """How often the containers were started again."""
    return max((int(item.get("restartCount") or 0) for item in _statuses(pod)), default=0)


def running_since(pod: Object) -> str:
    """When the containers were started last; empty while they do not run."""
    states = [(item.get("state") or {}).get("running") for item in _statuses(pod)]
    return str(states[0]["startedAt"]) if states and states[0] else ""


def last_ended(pod: Object) -> Mapping[str, Any] | None:
    """How the containers ended that wait to be started again; None where they do not wait."""
    for item in _statuses(pod):
        if (item.get("state") or {}).get("waiting"):
            ended: Mapping[str, Any] | None = (item.get("lastState") or {}).get("terminated")
            return ended
    return None


def backoff(restarts: int) -> float:
    """Seconds before containers that were restarted so often are started again."""
    return 0.0 if restarts == 0 else min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** (restarts - 1))


def is_restarted_after(pod: Object, code: int) -> bool:
    """Whether the pod's policy has containers started again that exit with `code`."""
    policy = pod["spec"].get("restartPolicy") or "Always"
    return bool(policy == "Always" or (policy == "OnFailure" and code != 0))


def start_seconds(pod: Object) -> float | None:
    """How long the pod says that it takes to start."""
    text = (pod["metadata"].get("annotations") or {}).get(START_SECONDS)
    return float(text) if text else None


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


def _statuses(pod: Object) -> Sequence[Mapping[str, Any]]:
    return (pod.get("status") or {}).get("containerStatuses") or ()


def _ended(pod: Object, code: int, moment: str) -> dict[str, Any]:
    began = running_since(pod) or (pod.get("status") or {}).get("startTime", moment)
    reason = "Completed" if code == 0 else "Error"
    ended = {"exitCode": code, "reason": reason, "startedAt": began, "finishedAt": moment}
    return {**ended, "containerID": f"simulated://{pod['metadata']['uid']}"}


def _conditions(pod: Object, moment: str, *, ready: bool, unready: str = "PodCompleted") -> list[dict[str, Any]]:
    kept = [item for item in (pod.get("status") or {}).get("conditions") or [] if item["type"] == "PodScheduled"]
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or []]
    is_over = not ready and unready == "PodCompleted"
    reason = {} if ready else {"reason": unready}
    if not ready and not is_over:
        names = " ".join(item["name"] for item in pod["spec"]["containers"])
        reason["message"] = f"containers with unready status: [{names}]"
    text = "True" if ready else "False"
    values = [
        ("PodReadyToStartContainers", "False" if is_over else "True", {}),
        ("Initialized", "True", reason if is_over else {}),
        ("Ready", "False" if gates else text, reason),
        ("ContainersReady", text, reason),
    ]
    made = [
        {"type": kind, "status": value, "lastProbeTime": None, "lastTransitionTime": moment, **extra}
        for kind, value, extra in values
    ]
    return [*made, *kept]


def _status(
    container: Mapping[str, Any], state: dict[str, Any], *, ready: bool, restarts: int = 0,
    last: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": f"simulated://{container.get('image', '')}",
        "containerID": f"simulated://{container['name']}",
        "ready": ready,
        "started": ready,
        "restartCount": restarts,
        "state": state,
        "lastState": last or {},
    }


def _init_status(container: Mapping[str, Any], moment: str) -> dict[str, Any]:
    if container.get("restartPolicy") == "Always":
        return _status(container, {"running": {"startedAt": moment}}, ready=True)
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": moment, "finishedAt": moment}
    return _status(container, {"terminated": ended}, ready=True) | {"started": False}
