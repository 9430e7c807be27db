"""A pod's whole status."""

from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, status_of
from cloudk8s.machinery.times import format_time
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods import restarts
from cloudk8s.node.pods.status import conditions as condition_rules
from cloudk8s.node.pods.status.containers import container_statuses
from cloudk8s.node.pods.status.inputs import StatusInputs
from cloudk8s.node.pods.status.phase import has_init_failed
from cloudk8s.node.pods.status.phase import phase as phase_of
from cloudk8s.node.pods.status.qos import qos_class


def pod_status(pod: Object, inputs: StatusInputs) -> dict[str, Any]:
    """Compute the status that the API should show."""
    init = container_statuses(pod, pods.init_containers(pod), "initContainerStatuses", inputs, is_init=True)
    regular = container_statuses(pod, pods.containers(pod), "containerStatuses", inputs, is_init=False)
    ephemeral = container_statuses(
        pod, pods.ephemeral_containers(pod), "ephemeralContainerStatuses", inputs, is_init=False
    )
    for each in ephemeral:
        each["ready"] = False
        each.pop("started", None)
    phase = _phase(pod, inputs, init, regular)
    generation = int(pod["metadata"].get("generation") or 0)
    status: dict[str, Any] = {
        "observedGeneration": generation,
        "phase": phase,
        "conditions": _conditions(pod, inputs, phase, init, regular, generation),
        **_reason(inputs),
        **_addresses(pod, inputs),
        "startTime": inputs.previous.get("startTime") or format_time(inputs.now),
        "initContainerStatuses": init,
        "containerStatuses": regular,
        "qosClass": status_of(pod).get("qosClass") or qos_class(pod),
        "ephemeralContainerStatuses": ephemeral,
    }
    return {key: value for key, value in status.items() if value not in ([], "")}


def rejected_status(pod: Object, reason: str, message: str, inputs: StatusInputs) -> dict[str, Any]:
    """The status of a pod that this node will not run."""
    return {
        "observedGeneration": int(pod["metadata"].get("generation") or 0),
        "phase": "Failed",
        "reason": reason,
        "message": f"Pod was rejected: {message}",
        "startTime": inputs.previous.get("startTime") or format_time(inputs.now),
        "qosClass": status_of(pod).get("qosClass") or qos_class(pod),
    }


def _phase(pod: Object, inputs: StatusInputs, init: list[dict[str, Any]], regular: list[dict[str, Any]]) -> str:
    """What has failed or succeeded stays so."""
    before = inputs.previous.get("phase")
    if before in ("Succeeded", "Failed"):
        return str(before)
    if inputs.terminal is not None:
        return inputs.terminal.phase
    phase = phase_of(pod, init, regular, is_stopped=inputs.is_stopped)
    if inputs.is_beginning_anew and phase in ("Succeeded", "Failed") and not has_init_failed(pod, init):
        return "Running"
    return phase


def _conditions(
    pod: Object,
    inputs: StatusInputs,
    phase: str,
    init: list[dict[str, Any]],
    regular: list[dict[str, Any]],
    generation: int,
) -> list[dict[str, Any]]:
    sandbox = inputs.observed.ready_sandbox
    has_sandbox = sandbox is not None and (bool(inputs.pod_ips) or bool(spec_of(pod).get("hostNetwork")))
    wanted = condition_rules.conditions(pod, phase, init, regular, has_sandbox=has_sandbox)
    wanted += [dict(condition) for condition in inputs.resize_conditions]
    if restarts.may_restart_all(pod):
        wanted.append(condition_rules.beginning_anew(inputs.is_beginning_anew))
    if inputs.terminal is not None and inputs.terminal.is_disruption:
        wanted.append(condition_rules.disruption(inputs.terminal.message))
    known = [*(status_of(pod).get("conditions") or ()), *(inputs.previous.get("conditions") or ())]
    own = {*condition_rules.OWNED, *(each["type"] for each in wanted)}
    foreign = [each for each in status_of(pod).get("conditions") or () if each["type"] not in own]
    timed = condition_rules.with_times(wanted, known, now=inputs.now, generation=generation)
    return [*timed, *foreign]


def _reason(inputs: StatusInputs) -> dict[str, str]:
    if inputs.terminal is not None:
        return {"reason": inputs.terminal.reason, "message": inputs.terminal.message}
    return {key: inputs.previous[key] for key in ("reason", "message") if inputs.previous.get(key)}


def _addresses(pod: Object, inputs: StatusInputs) -> dict[str, Any]:
    hosts, ips = list(inputs.host_ips), list(inputs.pod_ips)
    if not ips and spec_of(pod).get("hostNetwork"):
        ips = hosts
    if not ips:
        ips = [entry["ip"] for entry in inputs.previous.get("podIPs") or ()]
    return {
        "hostIP": hosts[0] if hosts else "",
        "hostIPs": [{"ip": ip} for ip in hosts],
        "podIP": ips[0] if ips else "",
        "podIPs": [{"ip": ip} for ip in ips],
    }
