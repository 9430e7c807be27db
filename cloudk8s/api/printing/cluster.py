"""Nodes, namespaces, quotas, leases, classes and the like."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from cloudk8s.api.printing.layout import AGE, CREATED_AT, NAME, NONE, UNKNOWN, Heading, Layout
from cloudk8s.api.printing.text import age_of, joined, name_of
from cloudk8s.api.resource import Object
from cloudk8s.machinery.times import human_duration

_LIMIT: Final = (
    "=Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node."
)
_ROLE_LABEL: Final = "node-role.kubernetes.io/"


def _node(obj: Object, now: datetime) -> list[Any]:
    status = obj.get("status") or {}
    info = status.get("nodeInfo") or {}
    kernel = info.get("kernelVersion") or UNKNOWN
    if info.get("architecture") and kernel != UNKNOWN:
        kernel = f"{kernel} ({info['architecture']})"
    return [
        name_of(obj),
        _node_status(obj),
        joined(_roles(obj)),
        age_of(obj, now),
        info.get("kubeletVersion", ""),
        _address(status, "InternalIP"),
        _address(status, "ExternalIP"),
        info.get("osImage") or UNKNOWN,
        kernel,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _node_status(obj: Object) -> str:
    conditions = {item["type"]: item.get("status") for item in (obj.get("status") or {}).get("conditions") or []}
    ready = conditions.get("Ready")
    texts = ["Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"]
    if (obj.get("spec") or {}).get("unschedulable"):
        texts.append("SchedulingDisabled")
    return ",".join(texts)


def _roles(obj: Object) -> list[str]:
    labels = obj["metadata"].get("labels") or {}
    roles = {key.removeprefix(_ROLE_LABEL) for key in labels if key.startswith(_ROLE_LABEL)}
    if labels.get("kubernetes.io/role"):
        roles.add(labels["kubernetes.io/role"])
    return sorted(roles - {""})


def _address(status: Object, kind: str) -> str:
    found = [item["address"] for item in status.get("addresses") or [] if item["type"] == kind]
    return found[0] if found else NONE


def _namespace(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), (obj.get("status") or {}).get("phase", ""), age_of(obj, now)]


def _config_map(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), age_of(obj, now)]


def _secret(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), obj.get("type", ""), len(obj.get("data") or {}), age_of(obj, now)]


def _plain(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), age_of(obj, now)]


def _created_at(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), obj["metadata"].get("creationTimestamp")]


def _quota(obj: Object, now: datetime) -> list[Any]:
    status = obj.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    texts = [f"{name}: {used.get(name, '0')}/{hard[name]}" for name in sorted(hard)]
    requests = [text for text in texts if not text.startswith("limits.")]
    limits = [text for text in texts if text.startswith("limits.")]
    return [name_of(obj), ", ".join(requests), ", ".join(limits), age_of(obj, now)]


def _lease(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), (obj.get("spec") or {}).get("holderIdentity") or "", age_of(obj, now)]


def _priority_class(obj: Object, now: datetime) -> list[Any]:
    default = bool(obj.get("globalDefault"))
    return [name_of(obj), obj.get("value", 0), default, age_of(obj, now), obj.get("preemptionPolicy", "")]


def _runtime_class(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), obj.get("handler", ""), age_of(obj, now)]


def _budget(obj: Object, now: datetime) -> list[Any]:
    spec = obj["spec"]
    low, high = spec.get("minAvailable"), spec.get("maxUnavailable")
    allowed = (obj.get("status") or {}).get("disruptionsAllowed", 0)
    return [name_of(obj), _or_not(low), _or_not(high), allowed, age_of(obj, now)]


def _or_not(value: Any) -> str:
    return "N/A" if value is None else str(value)


def _component(obj: Object, now: datetime) -> list[Any]:
    health: Object = next((item for item in obj.get("conditions") or [] if item["type"] == "Healthy"), {})
    status = {"True": "Healthy", "False": "Unhealthy"}.get(health.get("status", ""), "Unknown")
    return [name_of(obj), status, health.get("message", ""), health.get("error", "")]


def _csr(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    seconds = spec.get("expirationSeconds")
    lifetime = NONE if seconds is None else _lifetime(seconds)
    signer, user = spec.get("signerName", ""), spec.get("username", "")
    return [name_of(obj), age_of(obj, now), signer, user, lifetime, _csr_state(status)]


def _lifetime(seconds: int) -> str:
    return human_duration(timedelta(seconds=seconds))


def _csr_state(status: Object) -> str:
    types = [item["type"] for item in status.get("conditions") or []]
    texts = ["Denied"] if "Denied" in types else ["Approved"] if "Approved" in types else ["Pending"]
    if "Failed" in types:
        texts.append("Failed")
    if status.get("certificate"):
        texts.append("Issued")
    return ",".join(texts)


def _api_service(obj: Object, now: datetime) -> list[Any]:
    service = obj["spec"].get("service")
    where = f"{service['namespace']}/{service['name']}" if service else "Local"
    conditions = (obj.get("status") or {}).get("conditions") or []
    found: Object = next((item for item in conditions if item["type"] == "Available"), {})
    text = found.get("status", "Unknown")
    if text != "True" and found.get("reason"):
        text = f"{text} ({found['reason']})"
    return [name_of(obj), where, text, age_of(obj, now)]


TABLE: Final = {
    ("", "nodes"): Layout(
        (
            NAME,
            Heading("Status", "=The status of the node"),
            Heading("Roles", "=The roles of the node"),
            AGE,
            Heading("Version", "status.nodeInfo.kubeletVersion"),
            Heading("Internal-IP", "status.addresses", priority=1),
            Heading("External-IP", "status.addresses", priority=1),
            Heading("OS-Image", "status.nodeInfo.osImage", priority=1),
            Heading("Kernel-Version", "status.nodeInfo.kernelVersion", priority=1),
            Heading("Container-Runtime", "status.nodeInfo.containerRuntimeVersion", priority=1),
        ),
        _node,
    ),
    ("", "namespaces"): Layout((NAME, Heading("Status", "=The status of the namespace"), AGE), _namespace),
    ("", "configmaps"): Layout((NAME, Heading("Data", "data"), AGE), _config_map),
    ("", "secrets"): Layout((NAME, Heading("Type", "type"), Heading("Data", "data"), AGE), _secret),
    ("", "serviceaccounts"): Layout((NAME, AGE), _plain),
    ("", "limitranges"): Layout((NAME, CREATED_AT), _created_at),
    ("", "resourcequotas"): Layout(
        (
            NAME,
            Heading("Request", "=Request represents a minimum amount of cpu/memory that a container may consume."),
            Heading("Limit", _LIMIT),
            AGE,
        ),
        _quota,
    ),
    ("", "componentstatuses"): Layout(
        (
            NAME,
            Heading("Status", "=Status of the component conditions"),
            Heading("Message", "=Message of the component conditions"),
            Heading("Error", "=Error of the component conditions"),
        ),
        _component,
    ),
    ("coordination.k8s.io", "leases"): Layout((NAME, Heading("Holder", "spec.holderIdentity"), AGE), _lease),
    ("scheduling.k8s.io", "priorityclasses"): Layout(
        (
            NAME,
            Heading("Value", "value", "integer"),
            Heading("Global-Default", "globalDefault", "boolean"),
            AGE,
            Heading("PreemptionPolicy", "preemptionPolicy"),
        ),
        _priority_class,
    ),
    ("node.k8s.io", "runtimeclasses"): Layout((NAME, Heading("Handler", "="), AGE), _runtime_class),
    ("policy", "poddisruptionbudgets"): Layout(
        (
            NAME,
            Heading("Min Available", "=The minimum number of pods that must be available."),
            Heading("Max Unavailable", "=The maximum number of pods that may be unavailable."),
            Heading("Allowed Disruptions", "=Calculated number of pods that may be disrupted at this time.", "integer"),
            AGE,
        ),
        _budget,
    ),
    ("certificates.k8s.io", "certificatesigningrequests"): Layout(
        (
            NAME,
            AGE,
            Heading("SignerName", "spec.signerName"),
            Heading("Requestor", "=Requestor represents the user that created the CSR."),
            Heading("RequestedDuration", "spec.expirationSeconds"),
            Heading("Condition", "status.conditions"),
        ),
        _csr,
    ),
    ("apiregistration.k8s.io", "apiservices"): Layout(
        (
            NAME,
            Heading("Service", "=The reference to the service that hosts this API endpoint."),
            Heading("Available", "=Whether this service is available."),
            AGE,
        ),
        _api_service,
    ),
    ("apiextensions.k8s.io", "customresourcedefinitions"): Layout((NAME, CREATED_AT), _created_at),
}
