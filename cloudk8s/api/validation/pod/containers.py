"""Containers of a pod: regular, init and ephemeral ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, forbidden, invalid, not_found, not_supported, required, too_many
from cloudk8s.api.validation import names
from cloudk8s.api.validation.pod.environment import check_env, check_env_from
from cloudk8s.api.validation.pod.handlers import check_lifecycle, check_probes
from cloudk8s.api.validation.pod.mounts import Volumes, check_devices, check_mounts
from cloudk8s.api.validation.pod.security import check_container_security
from cloudk8s.api.validation.resources import Requirements, check_requirements
from cloudk8s.api.validation.values import Errors, check_port, check_supported

PROTOCOLS: Final = frozenset({"SCTP", "TCP", "UDP"})
RESTART_POLICIES: Final = frozenset({"Always", "Never", "OnFailure"})
_PULL_POLICIES: Final = frozenset({"Always", "IfNotPresent", "Never"})
_MESSAGE_POLICIES: Final = ("File", "FallbackToLogsOnError")
_RESIZABLE: Final = frozenset({"cpu", "memory"})
_RESIZE_POLICIES: Final = frozenset({"NotRequired", "RestartContainer"})
_NO_HOOKS: Final = "may not be set for init containers without restartPolicy=Always"
_NOT_EPHEMERAL: Final = "cannot be set for an Ephemeral Container"
_EPHEMERAL_FORBIDDEN: Final = (
    "ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules", "livenessProbe", "readinessProbe",
    "startupProbe", "lifecycle",
)  # fmt: skip
_HOOKS: Final = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")


@dataclass(frozen=True, slots=True)
class PodContext:
    """What containers need to know about their pod."""

    volumes: Volumes
    claims: Collection[str]
    grace: int | None
    restart_policy: str
    host_users: bool
    requirements: Requirements


def check_containers(errors: Errors, path: str, containers: Sequence[Mapping[str, Any]], pod: PodContext) -> None:
    if not containers:
        errors.append(required(path))
        return
    taken: set[str] = set()
    for index, container in enumerate(containers):
        item = f"{path}[{index}]"
        _check_common(errors, item, container, pod)
        name = container.get("name") or ""
        if name in taken:
            errors.append(duplicate(f"{item}.name", name))
        taken.add(name)
        if (lifecycle := container.get("lifecycle")) is not None:
            check_lifecycle(errors, f"{item}.lifecycle", lifecycle, pod.grace)
        check_probes(errors, item, container, pod.grace)
        _check_restart(errors, item, container)
    check_host_ports(errors, path, containers)


def check_init_containers(
    errors: Errors, path: str, containers: Sequence[Mapping[str, Any]], regular: set[str], pod: PodContext
) -> None:
    """`regular` are the names that regular containers have taken."""
    taken = set(regular)
    for index, container in enumerate(containers):
        item = f"{path}[{index}]"
        _check_common(errors, item, container, pod)
        _check_restart(errors, item, container)
        name = container.get("name") or ""
        if name in taken:
            errors.append(duplicate(f"{item}.name", name))
        elif name:
            taken.add(name)
        check_host_ports(errors, path, [container])
        if container.get("restartPolicy") == "Always":
            if (lifecycle := container.get("lifecycle")) is not None:
                check_lifecycle(errors, f"{item}.lifecycle", lifecycle, pod.grace)
            check_probes(errors, item, container, pod.grace)
        else:
            errors.extend(forbidden(f"{item}.{key}", _NO_HOOKS) for key in _HOOKS if container.get(key) is not None)


def check_ephemeral_containers(
    errors: Errors, path: str, containers: Sequence[Mapping[str, Any]], others: set[str], pod: PodContext
) -> None:
    """`others` are the names of all other containers."""
    taken = set(others)
    for index, container in enumerate(containers):
        item = f"{path}[{index}]"
        _check_common(errors, item, container, pod)
        check_image_padding(errors, item, container)
        name = container.get("name") or ""
        if name in taken:
            errors.append(duplicate(f"{item}.name", name))
        taken.add(name)
        if (target := container.get("targetContainerName") or "") and target not in others:
            errors.append(not_found(f"{item}.targetContainerName", target))
        errors.extend(forbidden(f"{item}.{key}", _NOT_EPHEMERAL) for key in _EPHEMERAL_FORBIDDEN if container.get(key))
        for position, mount in enumerate(container.get("volumeMounts") or ()):
            for key in ("subPath", "subPathExpr"):
                if mount.get(key):
                    errors.append(forbidden(f"{item}.volumeMounts[{position}].{key}", _NOT_EPHEMERAL))


def check_image_padding(errors: Errors, path: str, container: Mapping[str, Any]) -> None:
    """Only pods are held to this; templates may carry a placeholder."""
    image = container.get("image") or ""
    if image.strip() != image:
        errors.append(invalid(f"{path}.image", image, "must not have leading or trailing whitespace"))


def check_host_ports(errors: Errors, path: str, containers: Sequence[Mapping[str, Any]]) -> None:
    taken: set[str] = set()
    for index, container in enumerate(containers):
        for position, port in enumerate(container.get("ports") or ()):
            if not (host_port := port.get("hostPort")):
                continue
            key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{host_port}"
            if key in taken:
                errors.append(duplicate(f"{path}[{index}].ports[{position}].hostPort", key))
            taken.add(key)


def _check_common(errors: Errors, path: str, container: Mapping[str, Any], pod: PodContext) -> None:
    get = container.get
    if name := get("name"):
        if messages := names.dns_label(name):
            errors.extend(invalid(f"{path}.name", name, text) for text in messages)
    else:
        errors.append(required(f"{path}.name"))
    if not get("image"):
        errors.append(required(f"{path}.image"))
    if get("terminationMessagePolicy") not in _MESSAGE_POLICIES:
        check_supported(errors, f"{path}.terminationMessagePolicy", get("terminationMessagePolicy"), _MESSAGE_POLICIES)
    if ports := get("ports"):
        _check_ports(errors, f"{path}.ports", ports)
    if env := get("env"):
        check_env(errors, f"{path}.env", env, pod.volumes)
    if env_from := get("envFrom"):
        check_env_from(errors, f"{path}.envFrom", env_from)
    if get("volumeMounts"):
        check_mounts(errors, f"{path}.volumeMounts", container, pod.volumes)
    if get("volumeDevices"):
        check_devices(errors, f"{path}.volumeDevices", container, pod.volumes)
    if get("imagePullPolicy") not in _PULL_POLICIES:
        check_supported(errors, f"{path}.imagePullPolicy", get("imagePullPolicy"), _PULL_POLICIES)
    if resources := get("resources"):
        check_requirements(errors, f"{path}.resources", resources, pod.requirements)
    if policies := get("resizePolicy"):
        _check_resize_policy(errors, f"{path}.resizePolicy", policies, pod.restart_policy)
    if context := get("securityContext"):
        check_container_security(errors, f"{path}.securityContext", context, host_users=pod.host_users)


def _check_ports(errors: Errors, path: str, ports: Sequence[Mapping[str, Any]]) -> None:
    taken: set[str] = set()
    for index, port in enumerate(ports):
        if name := port.get("name"):
            if messages := names.port_name(name):
                errors.extend(invalid(f"{path}[{index}].name", name, text) for text in messages)
            elif name in taken:
                errors.append(duplicate(f"{path}[{index}].name", name))
            else:
                taken.add(name)
        if not (number := port.get("containerPort")):
            errors.append(required(f"{path}[{index}].containerPort"))
        elif not 1 <= number <= 65535:
            check_port(errors, f"{path}[{index}].containerPort", number)
        if host_port := port.get("hostPort"):
            check_port(errors, f"{path}[{index}].hostPort", host_port)
        if (protocol := port.get("protocol")) not in PROTOCOLS:
            check_supported(errors, f"{path}[{index}].protocol", protocol, PROTOCOLS)


def _check_restart(errors: Errors, path: str, container: Mapping[str, Any]) -> None:
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or ()
    if policy is None and not rules:
        return
    if policy is None:
        text = "must specify restartPolicy when restart rules are used"
        errors.append(required(f"{path}.restartPolicy", text))
    elif policy not in RESTART_POLICIES:
        errors.append(not_supported(f"{path}.restartPolicy", policy, RESTART_POLICIES))
    if len(rules) > 20:
        errors.append(too_many(f"{path}.restartPolicyRules", len(rules), 20))
    for index, rule in enumerate(rules):
        _check_restart_rule(errors, f"{path}.restartPolicyRules[{index}]", rule)


def _check_restart_rule(errors: Errors, path: str, rule: Mapping[str, Any]) -> None:
    if (action := rule.get("action") or "") != "Restart":
        errors.append(not_supported(f"{path}.action", action, ("Restart",)))
    if (codes := rule.get("exitCodes")) is None:
        errors.append(required(f"{path}.exitCodes", "must be specified"))
        return
    operators = frozenset({"In", "NotIn"})
    if (operator := codes.get("operator") or "") not in operators:
        errors.append(not_supported(f"{path}.exitCodes.operator", operator, operators))
    if len(codes.get("values") or ()) > 255:
        errors.append(too_many(f"{path}.exitCodes.values", len(codes["values"]), 255))


def _check_resize_policy(errors: Errors, path: str, policies: Sequence[Mapping[str, Any]], restart_policy: str) -> None:
    taken: set[str] = set()
    for index, policy in enumerate(policies):
        resource, restart = policy.get("resourceName") or "", policy.get("restartPolicy") or ""
        if resource in taken:
            errors.append(duplicate(f"{path}[{index}]", resource))
        taken.add(resource)
        check_supported(errors, path, resource, _RESIZABLE)
        check_supported(errors, path, restart, _RESIZE_POLICIES)
        if restart_policy == "Never" and restart != "NotRequired":
            text = "must be 'NotRequired' when `restartPolicy` is 'Never'"
            errors.append(invalid(path, restart, text))
