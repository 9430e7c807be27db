"""The status of each container of a pod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.machinery.times import format_time
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods import resize, restarts
from cloudk8s.node.pods.pod import Container
from cloudk8s.node.pods.status.inputs import StatusInputs
from cloudk8s.node.runtimes.interface import Container as RuntimeContainer

Status = dict[str, Any]

LOST = "ContainerStatusUnknown"
LOST_MESSAGE = "The container could not be located when the pod was terminated"


def container_statuses(
    pod: Object, containers: Sequence[Container], field: str, inputs: StatusInputs, *, is_init: bool
) -> list[Status]:  # fmt: skip
    """The statuses of one kind of container, in the order of the spec; `field` names the previous ones."""
    previous = {status["name"]: status for status in inputs.previous.get(field) or ()}
    has_init = bool(pods.init_containers(pod))
    statuses = []
    for container in containers:
        waits_for = "PodInitializing" if has_init else "ContainerCreating"
        sidecar = is_init and pods.is_sidecar(container)
        status = _status(pod, container, inputs, previous.get(container["name"]), waits_for, is_init=is_init)
        _set_readiness(status, container, inputs, is_init=is_init and not sidecar)
        _add_resources(status, container, inputs)
        statuses.append(_in_order(status))
    return statuses


def state_of(container: RuntimeContainer, inputs: StatusInputs) -> Status:
    """`state` or `lastState` of one run of a container."""
    if container.state == "running":
        assert container.started_at is not None
        return {"running": {"startedAt": format_time(container.started_at)}}
    if container.state == "created":
        return {"waiting": {"reason": "ContainerCreating"}}
    return {"terminated": _terminated(container, inputs)}


def container_id(container: RuntimeContainer, inputs: StatusInputs) -> str:
    """`runtime://id`."""
    return f"{inputs.runtime_name}://{container.id}"


def _status(
    pod: Object, container: Container, inputs: StatusInputs, previous: Status | None, waits_for: str, *, is_init: bool
) -> Status:  # fmt: skip
    name = container["name"]
    runs = inputs.observed.containers.get(name, ())
    if not runs:
        return _without_runs(container, inputs, previous, waits_for)
    latest = runs[0]
    status: Status = {
        "name": name,
        "state": state_of(latest, inputs),
        "lastState": state_of(runs[1], inputs) if len(runs) > 1 else _kept_last_state(previous, latest),
        "ready": False,
        "restartCount": latest.attempt,
        "image": latest.image,
        "imageID": inputs.image_ids.get(latest.id, latest.image_id),
        "containerID": container_id(latest, inputs),
        "_latest": latest,
    }
    waiting = inputs.waiting.get(name)
    if latest.state != "running" and waiting is not None and not inputs.is_terminating:
        if latest.state == "exited":
            status["lastState"] = status["state"]
        status["state"] = _waiting(waiting.reason, waiting.message)
    elif latest.state == "created":
        status["state"] = _waiting(waits_for)
    return status


def _without_runs(
    container: Container, inputs: StatusInputs, previous: Status | None, waits_for: str
) -> Status:  # fmt: skip
    """The runtime has nothing: not started yet, or its remains were cleared away."""
    status: Status = {
        "name": container["name"],
        "state": _waiting(waits_for),
        "lastState": {},
        "ready": False,
        "restartCount": int((previous or {}).get("restartCount", 0)),
        "image": container.get("image", ""),
        "imageID": "",
    }
    waiting = inputs.waiting.get(container["name"])
    if waiting is not None:
        status["state"] = _waiting(waiting.reason, waiting.message)
    if previous is not None:
        ended = previous.get("state", {}).get("terminated")
        if inputs.is_beginning_anew:
            last = previous["state"] if ended is not None else previous.get("lastState") or {}
            kept = {key: previous[key] for key in ("imageID", "containerID") if previous.get(key)}
            return status | kept | {"lastState": last}
        if ended is not None:
            return {**previous, "ready": False} if waiting is None else status | {"lastState": previous["state"]}
        if inputs.is_terminating and "running" in previous.get("state", {}):
            lost = {"exitCode": 137, "reason": LOST, "message": LOST_MESSAGE, "startedAt": None, "finishedAt": None}
            return {**previous, "ready": False, "started": False, "state": {"terminated": lost}}
        status["lastState"] = previous.get("lastState") or {}
    return status


def _kept_last_state(previous: Status | None, latest: RuntimeContainer) -> Status:
    """What is remembered of the run before, where the runtime no longer has it."""
    if previous is None or latest.attempt == 0:
        return {}
    same_run = int(previous.get("restartCount", 0)) == latest.attempt
    if same_run:
        return previous.get("lastState") or {}
    ended = previous.get("state", {}).get("terminated")
    return {"terminated": ended} if ended else previous.get("lastState") or {}


def _set_readiness(status: Status, container: Container, inputs: StatusInputs, *, is_init: bool) -> None:
    """`ready` and `started`: by the probes where there are some; an init container is ready once it succeeded."""
    latest: RuntimeContainer | None = status.pop("_latest", None)
    is_running = "running" in status["state"]
    started = is_running and latest is not None and inputs.started.get(latest.id, True)
    if is_init:
        ended = status["state"].get("terminated")
        status["ready"] = bool(ended and ended.get("exitCode") == 0)
        status["started"] = bool(is_running)
        return
    status["started"] = bool(started)
    status["ready"] = bool(started and latest is not None and inputs.ready.get(latest.id, True))


def _add_resources(status: Status, container: Container, inputs: StatusInputs) -> None:
    granted = inputs.allocated.get(container["name"], container.get("resources") or {})
    if (requests := granted.get("requests")) and status.get("containerID"):
        status["allocatedResources"] = dict(requests)
    latest = inputs.observed.latest(container["name"])
    if status.get("containerID"):
        status["resources"] = _resources(granted, latest)
    if mounts := inputs.volume_mounts.get(container["name"]):
        status["volumeMounts"] = [dict(mount) for mount in mounts]
    if latest is not None and latest.user is not None:
        uid, gid, groups = latest.user
        status["user"] = {"linux": {"uid": uid, "gid": gid, "supplementalGroups": list(groups)}}
    if wanted := (container.get("lifecycle") or {}).get("stopSignal"):
        status["stopSignal"] = wanted


def _resources(granted: Mapping[str, Any], latest: RuntimeContainer | None) -> Status:
    """What a running container really has, and of others what they would get."""
    if latest is not None and latest.state == "running" and latest.resources is not None:
        return resize.in_force(granted, latest.resources)
    return {key: value for key, value in granted.items() if key in ("limits", "requests") and value}


def _terminated(container: RuntimeContainer, inputs: StatusInputs) -> Status:
    ended: Status = {"exitCode": container.exit_code, "reason": container.reason}
    if message := inputs.termination_messages.get(container.id) or container.message:
        ended["message"] = message
    ended["startedAt"] = format_time(container.started_at) if container.started_at else None
    ended["finishedAt"] = format_time(container.finished_at) if container.finished_at else None
    ended["containerID"] = container_id(container, inputs)
    return ended


def _waiting(reason: str, message: str = "") -> Status:
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


_ORDER = (
    "name", "state", "lastState", "ready", "restartCount", "image", "imageID", "containerID", "started",
    "allocatedResources", "resources", "volumeMounts", "user", "stopSignal",
)  # fmt: skip


def _in_order(status: Status) -> Status:
    return {key: status[key] for key in _ORDER if key in status}


def ended_for_good(pod: Object, container: Container, status: Mapping[str, Any]) -> bool:
    """Whether a status says that its container has ended and will not come again."""
    ended = status.get("state", {}).get("terminated")
    return ended is not None and not restarts.is_restarted(pod, container, int(ended.get("exitCode", 0)))
