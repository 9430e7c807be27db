"""The pod spec as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, not_supported, required, too_long
from cloudk8s.api.validation import names
from cloudk8s.api.validation.metadata import validate_labels
from cloudk8s.api.validation.pod import containers, dns, resource_claims, scheduling, windows
from cloudk8s.api.validation.pod.affinity import check_affinity
from cloudk8s.api.validation.pod.levels import check_pod_resources
from cloudk8s.api.validation.pod.security import check_pod_security
from cloudk8s.api.validation.pod.volumes import check_volumes
from cloudk8s.api.validation.resources import CONTAINER, Requirements, check_requirements
from cloudk8s.api.validation.values import Errors, check_rule, check_supported

RESTART_POLICIES: Final = ("Always", "OnFailure", "Never")
PREEMPTION_POLICIES: Final = ("PreemptLowerPriority", "Never")
_INT32_MAX: Final = 2**31 - 1


def check_pod_spec(
    errors: Errors, path: str, spec: Mapping[str, Any], *, is_pod: bool = False, pod_name: str = ""
) -> None:
    """`is_pod`: the spec is a pod's own, not that of a template; only then its name is known."""
    get = spec.get
    grace = get("terminationGracePeriodSeconds")
    if grace is None:
        errors.append(required(f"{path}.terminationGracePeriodSeconds"))
    pod = _check_volumes_and_claims(errors, path, spec, grace, pod_name)
    _check_containers(errors, path, spec, pod)
    if (resources := get("resources")) is not None:
        check_pod_resources(errors, f"{path}.resources", resources, spec, pod.claims)
    if get("hostNetwork"):
        _check_host_network(errors, path, spec, is_pod)
    if get("restartPolicy") not in RESTART_POLICIES:
        check_supported(errors, f"{path}.restartPolicy", get("restartPolicy"), RESTART_POLICIES)
    if get("dnsPolicy") not in dns.POLICIES:
        check_supported(errors, f"{path}.dnsPolicy", get("dnsPolicy"), dns.POLICIES)
    if selector := get("nodeSelector"):
        errors.extend(validate_labels(selector, f"{path}.nodeSelector"))
    check_pod_security(errors, f"{path}.securityContext", get("securityContext") or {}, spec)
    _check_placement(errors, path, spec)
    if get("securityContext") or any("securityContext" in item for item in get("containers") or ()):
        windows.check_host_process(errors, path, spec)
    if get("hostUsers") is False:
        _check_host_users(errors, path, spec)
    _check_names(errors, path, spec)
    _check_late(errors, path, spec)


def _check_volumes_and_claims(
    errors: Errors, path: str, spec: Mapping[str, Any], grace: int | None, pod_name: str
) -> containers.PodContext:
    volumes: dict[str, Mapping[str, Any]] = {}
    if given := spec.get("volumes"):
        volumes = check_volumes(errors, f"{path}.volumes", given, pod_name=pod_name)
    claims: set[str] = set()
    if given := spec.get("resourceClaims"):
        claims = {claim["name"] for claim in given if claim.get("name")}
        resource_claims.check_claim_names(errors, f"{path}.resourceClaims", given)
    return containers.PodContext(
        volumes=volumes,
        claims=claims,
        grace=grace,
        restart_policy=spec.get("restartPolicy") or "",
        host_users=spec.get("hostUsers") is not False,
        requirements=Requirements(claims=claims) if claims else CONTAINER,
    )


def _check_containers(errors: Errors, path: str, spec: Mapping[str, Any], pod: containers.PodContext) -> None:
    regular, init = spec.get("containers") or (), spec.get("initContainers") or ()
    containers.check_containers(errors, f"{path}.containers", regular, pod)
    ephemeral = spec.get("ephemeralContainers")
    if not (init or ephemeral):
        return
    taken = {container.get("name") or "" for container in regular}
    containers.check_init_containers(errors, f"{path}.initContainers", init, taken, pod)
    if ephemeral:
        taken |= {container.get("name") or "" for container in init}
        containers.check_ephemeral_containers(errors, f"{path}.ephemeralContainers", ephemeral, taken, pod)


def _check_host_network(errors: Errors, path: str, spec: Mapping[str, Any], is_pod: bool) -> None:
    """A pod on the host's network listens on the port it says; a template may leave that to the pod."""
    for index, container in enumerate(spec.get("containers") or ()):
        for position, port in enumerate(container.get("ports") or ()):
            host_port = port.get("hostPort") or 0
            if (is_pod or host_port) and host_port != (port.get("containerPort") or 0):
                at = f"{path}.containers[{index}].ports[{position}].hostPort"
                errors.append(invalid(at, host_port, "must match `containerPort` when `hostNetwork` is true"))


def _check_placement(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    if affinity := spec.get("affinity"):
        check_affinity(errors, f"{path}.affinity", affinity)
    dns.check_dns(errors, f"{path}.dnsConfig", spec.get("dnsConfig"), spec.get("dnsPolicy") or "")
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        at = f"{path}.readinessGates[{index}].conditionType"
        check_rule(errors, at, gate.get("conditionType") or "", names.qualified_name)
    if gates := spec.get("schedulingGates"):
        scheduling.check_gates(errors, f"{path}.schedulingGates", gates)
    if constraints := spec.get("topologySpreadConstraints"):
        scheduling.check_spread(errors, f"{path}.topologySpreadConstraints", constraints)


def _check_host_users(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    for key, shown in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if spec.get(key):
            errors.append(forbidden(f"{path}.{shown}", "when `hostUsers` is false"))


def _check_names(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    get = spec.get
    for key in ("serviceAccountName", "nodeName"):
        if (name := get(key)) and (messages := names.dns_subdomain(name)):
            errors.extend(invalid(f"{path}.{key}", name, text) for text in messages)
    deadline = get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _INT32_MAX:
        text = f"must be between 1 and {_INT32_MAX}, inclusive"
        errors.append(invalid(f"{path}.activeDeadlineSeconds", deadline, text))
    for key in ("hostname", "subdomain"):
        if name := get(key):
            check_rule(errors, f"{path}.{key}", name, names.dns_label)
    if (name := get("hostnameOverride")) is not None:
        _check_hostname_override(errors, path, name, spec)


def _check_hostname_override(errors: Errors, path: str, name: str, spec: Mapping[str, Any]) -> None:
    at = f"{path}.hostnameOverride"
    check_rule(errors, at, name, names.dns_subdomain)
    if len(name) > 64:
        errors.append(too_long(at, 64))
    if spec.get("setHostnameAsFQDN"):
        errors.append(forbidden(at, "may not be specified when setHostnameAsFQDN is true"))
    if spec.get("hostNetwork"):
        errors.append(forbidden(at, "may not be specified when hostNetwork is true"))


def _check_late(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    """What upstream looks at last."""
    get = spec.get
    if tolerations := get("tolerations"):
        scheduling.check_tolerations(errors, f"{path}.tolerations", tolerations)
    if aliases := get("hostAliases"):
        dns.check_host_aliases(errors, f"{path}.hostAliases", aliases)
    for key in ("priorityClassName", "runtimeClassName"):
        name = get(key)
        if name or (name is not None and key == "runtimeClassName"):
            check_rule(errors, f"{path}.{key}", name, names.dns_subdomain)
    if (policy := get("preemptionPolicy")) is not None:
        check_supported(errors, f"{path}.preemptionPolicy", policy, PREEMPTION_POLICIES)
    if overhead := get("overhead"):
        check_requirements(errors, f"{path}.overhead", {"limits": overhead}, CONTAINER)
    if (os := get("os")) is not None:
        _check_os(errors, path, os.get("name") or "", spec)


def _check_os(errors: Errors, path: str, name: str, spec: Mapping[str, Any]) -> None:
    if not name:
        errors.append(required(f"{path}.os.name", "cannot be empty"))
    elif name == "linux":
        windows.check_linux_pod(errors, path, spec)
    elif name == "windows":
        windows.check_windows_pod(errors, path, spec)
    else:
        errors.append(not_supported(f"{path}.os", name, ("linux", "windows")))
