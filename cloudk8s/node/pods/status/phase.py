"""A pod's phase, from the statuses of its containers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods import restarts
from cloudk8s.node.pods.pod import Container

Status = Mapping[str, Any]


@dataclass(slots=True)
class _Count:
    running: int = 0
    waiting: int = 0
    stopped: int = 0
    succeeded: int = 0
    unknown: int = 0


def phase(pod: Object, init: Sequence[Status], regular: Sequence[Status], *, is_stopped: bool) -> str:
    """The phase; `is_stopped` says that nothing of the pod runs or will run again."""
    count = _count(regular)
    if _has_init_failed_for_good(pod, init, is_stopped=is_stopped):
        return "Failed"
    if _is_initializing(pod, init, has_begun=count.running + count.stopped > 0):
        return "Failed" if is_stopped else "Pending"
    if count.waiting > 0:
        return "Failed" if is_stopped else "Pending"
    if count.running > 0 and count.unknown == 0:
        return "Running"
    if count.stopped > 0 and count.unknown == 0:
        return _when_stopped(pod, init, regular, count, is_stopped=is_stopped)
    return "Failed" if is_stopped else "Pending"


def has_init_failed(pod: Object, init: Sequence[Status]) -> bool:
    """Whether an init container has failed, and is not tried again."""
    return _has_init_failed_for_good(pod, init, is_stopped=False)


def _when_stopped(
    pod: Object, init: Sequence[Status], regular: Sequence[Status], count: _Count, *, is_stopped: bool
) -> str:  # fmt: skip
    """All regular containers have ended, for good or until they are started again."""
    outcome = "Succeeded" if count.stopped == count.succeeded else "Failed"
    if is_stopped:
        return outcome
    by_name = {status["name"]: status for status in regular}
    comes_again = any(
        restarts.is_restarted(pod, container, _exit_code(by_name.get(container["name"], {})) or 0)
        for container in pods.containers(pod)
    )
    sidecars = {container["name"] for container in pods.sidecars(pod)}
    has_sidecar = any(status["name"] in sidecars and "running" in status["state"] for status in init)
    return "Running" if comes_again or has_sidecar else outcome


def _count(statuses: Sequence[Status]) -> _Count:
    count = _Count()
    for status in statuses:
        state = status["state"]
        ended = state.get("terminated")
        if "running" in state:
            count.running += 1
        elif ended is not None:
            count.stopped += 1
            count.succeeded += ended.get("exitCode") == 0
        elif "waiting" in state:
            if status.get("lastState", {}).get("terminated") is not None:
                count.stopped += 1
            else:
                count.waiting += 1
        else:
            count.unknown += 1
    return count


def _is_initializing(pod: Object, init: Sequence[Status], *, has_begun: bool) -> bool:
    by_name = {status["name"]: status for status in init}
    for container in pods.init_containers(pod):
        status = by_name.get(container["name"])
        if pods.is_sidecar(container):
            if not has_begun and not (status and status.get("started")):
                return True
        elif status is None or _exit_code(status) != 0:
            return True
    return False


def _has_init_failed_for_good(pod: Object, init: Sequence[Status], *, is_stopped: bool) -> bool:
    by_name = {status["name"]: status for status in init}
    return any(
        _is_failed_for_good(pod, container, by_name.get(container["name"]), is_stopped=is_stopped)
        for container in pods.init_containers(pod)
        if not pods.is_sidecar(container)
    )


def _is_failed_for_good(pod: Object, container: Container, status: Status | None, *, is_stopped: bool) -> bool:
    code = None if status is None else _exit_code(status)
    if not code:
        return False
    return is_stopped or (pods.restart_policy(pod) == "Never" and not restarts.is_restarted(pod, container, code))


def _exit_code(status: Status) -> int | None:
    """The code of the latest run that has ended; None where there is none."""
    state = status.get("state", {})
    ended = state.get("terminated") or ("waiting" in state and status.get("lastState", {}).get("terminated")) or None
    return None if ended is None else int(ended.get("exitCode", 0))
