"""Pods: readiness, a status that says what is wrong, restarts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from cloudk8s.api.printing.layout import AGE, NAME, NONE, Heading, Layout
from cloudk8s.api.printing.text import age_of, containers_of, label_text, name_of
from cloudk8s.api.resource import Object
from cloudk8s.machinery.times import human_duration, parse_time

_POD_HEADINGS: Final = (
    NAME,
    Heading("Ready", "=The aggregate readiness state of this pod for accepting traffic."),
    Heading("Status", "=The aggregate status of the containers in this pod."),
    Heading(
        "Restarts",
        "=The number of times the containers in this pod have been restarted and when the last container in this pod "
        "has restarted.",
    ),
    AGE,
    Heading("IP", "status.podIP", priority=1),
    Heading("Node", "spec.nodeName", priority=1),
    Heading("Nominated Node", "status.nominatedNodeName", priority=1),
    Heading("Readiness Gates", "spec.readinessGates", priority=1),
)


def pod_cells(pod: Object, now: datetime) -> list[Any]:
    """Upstream's `printPod`."""
    summary = _Summary(pod, now)
    spec, status = pod["spec"], pod.get("status") or {}
    addresses = status.get("podIPs") or []
    address = addresses[0]["ip"] if addresses else status.get("podIP") or ""
    return [
        name_of(pod),
        f"{summary.ready}/{summary.total}",
        summary.reason,
        summary.restart_text(),
        age_of(pod, now),
        address or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _readiness_gates(spec, status),
    ]


class _Summary:
    """One pass over a pod's container statuses."""

    def __init__(self, pod: Object, now: datetime) -> None:
        self._now = now
        spec, status = pod["spec"], pod.get("status") or {}
        self.total = len(spec.get("containers") or [])
        self.ready = self.restarts = 0
        self._last_restart: datetime | None = None
        self._sidecar_restart: datetime | None = None
        self.reason: str = status.get("reason") or status.get("phase") or ""
        for condition in status.get("conditions") or []:
            if condition["type"] == "PodScheduled" and condition.get("reason") == "SchedulingGated":
                self.reason = "SchedulingGated"
        sidecars = {item["name"] for item in spec.get("initContainers") or [] if item.get("restartPolicy") == "Always"}
        initializing = self._init(spec, status, sidecars)
        if not initializing or _is_initialized(status):
            self._containers(status)
        if pod["metadata"].get("deletionTimestamp"):
            if status.get("reason") == "NodeLost":
                self.reason = "Unknown"
            elif status.get("phase") not in ("Failed", "Succeeded"):
                self.reason = "Terminating"

    def restart_text(self) -> str:
        if self.restarts == 0 or self._last_restart is None:
            return str(self.restarts)
        return f"{self.restarts} ({human_duration(self._now - self._last_restart)} ago)"

    def _init(self, spec: Object, status: Object, sidecars: set[str]) -> bool:
        """Look at init containers; True while one of them holds the pod up."""
        total = len(spec.get("initContainers") or [])
        sidecar_restarts = 0
        self.total += len(sidecars)
        blocked = False
        for index, item in enumerate(status.get("initContainerStatuses") or []):
            state = item.get("state") or {}
            is_sidecar = item["name"] in sidecars
            self.restarts += item.get("restartCount", 0)
            self._remember_restart(item)
            if is_sidecar:
                sidecar_restarts += item.get("restartCount", 0)
            if blocked:
                continue
            if (state.get("terminated") or {}).get("exitCode", 1) == 0 and state.get("terminated"):
                continue
            if is_sidecar and item.get("started"):
                if item.get("ready"):
                    self.ready += 1
                continue
            blocked = True
            self.reason = _init_reason(state, index, total)
        if not blocked:
            self.restarts = sidecar_restarts
        return blocked

    def _containers(self, status: Object) -> None:
        running = False
        for item in reversed(status.get("containerStatuses") or []):
            state = item.get("state") or {}
            self.restarts += item.get("restartCount", 0)
            self._remember_restart(item)
            waiting, terminated = state.get("waiting"), state.get("terminated")
            if waiting and waiting.get("reason"):
                self.reason = waiting["reason"]
            elif terminated is not None:
                self.reason = _terminated_reason(terminated)
            elif item.get("ready") and state.get("running") is not None:
                running = True
                self.ready += 1
        if self.reason == "Completed" and running:
            self.reason = "Running" if _has_ready_condition(status) else "NotReady"

    def _remember_restart(self, item: Object) -> None:
        finished = ((item.get("lastState") or {}).get("terminated") or {}).get("finishedAt")
        if finished:
            moment = parse_time(finished)
            self._last_restart = max(moment, self._last_restart or moment)


def _terminated_reason(terminated: Object, prefix: str = "") -> str:
    if terminated.get("reason"):
        return f"{prefix}{terminated['reason']}"
    if terminated.get("signal"):
        return f"{prefix}Signal:{terminated['signal']}"
    return f"{prefix}ExitCode:{terminated.get('exitCode', 0)}"


def _init_reason(state: Object, index: int, total: int) -> str:
    terminated, waiting = state.get("terminated"), state.get("waiting") or {}
    if terminated is not None:
        return _terminated_reason(terminated, "Init:")
    if waiting.get("reason") and waiting["reason"] != "PodInitializing":
        return f"Init:{waiting['reason']}"
    return f"Init:{index}/{total}"


def _is_initialized(status: Object) -> bool:
    conditions = status.get("conditions") or []
    return any(item["type"] == "Initialized" and item.get("status") == "True" for item in conditions)


def _has_ready_condition(status: Object) -> bool:
    conditions = status.get("conditions") or []
    return any(item["type"] == "Ready" and item.get("status") == "True" for item in conditions)


def _readiness_gates(spec: Object, status: Object) -> str:
    gates = spec.get("readinessGates") or []
    if not gates:
        return NONE
    true = {item["type"] for item in status.get("conditions") or [] if item.get("status") == "True"}
    return f"{sum(gate['conditionType'] in true for gate in gates)}/{len(gates)}"


def _template_cells(template: Object, now: datetime) -> list[Any]:
    inner = template.get("template") or {}
    labels = (inner.get("metadata") or {}).get("labels")
    return [name_of(template), *containers_of(inner.get("spec") or {}), label_text(labels)]


TABLE: Final = {
    ("", "pods"): Layout(_POD_HEADINGS, pod_cells),
    ("", "podtemplates"): Layout(
        (
            NAME,
            Heading("Containers", "=Names of each container in the template."),
            Heading("Images", "=Images referenced by each container in the template."),
            Heading("Pod Labels", "=The labels for the pod template."),
        ),
        _template_cells,
    ),
}
