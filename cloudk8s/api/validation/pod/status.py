"""The status of a pod, as kubelets write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, forbidden, internal, invalid, not_supported
from cloudk8s.api.validation import metadata, names
from cloudk8s.api.validation.addresses import check_ip, is_ipv6, parse_ip
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.pod.annotations import check_annotation_updates
from cloudk8s.api.validation.values import Errors, check_rule, check_user_id

_SYSTEM_CONDITIONS: Final = frozenset({"PodScheduled", "Ready", "Initialized"})
_HEALTH: Final = frozenset({"Healthy", "Unhealthy", "Unknown"})
_STATUSES: Final = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


def validate_pod_status_update(new: Mapping[str, Any], old: Mapping[str, Any]) -> Errors:
    errors = metadata.validate_update(new["metadata"], old["metadata"])
    annotations, before = (item["metadata"].get("annotations") or {} for item in (new, old))
    if annotations or before:
        check_annotation_updates(errors, "metadata.annotations", annotations, before, new["spec"])
    spec, status, was = new["spec"], new.get("status") or {}, old.get("status") or {}
    _check_conditions(errors, status.get("conditions") or ())
    name = status.get("nominatedNodeName") or ""
    if name and name != was.get("nominatedNodeName"):
        check_rule(errors, "status.nominatedNodeName", name, names.dns_subdomain)
    if (quality := status.get("qosClass") or "") != (was.get("qosClass") or ""):
        errors.append(invalid("status.qosClass", quality, names.IMMUTABLE))
    _check_transitions(errors, status, was, old["spec"])
    _check_claims(errors, status.get("resourceClaimStatuses") or (), spec.get("resourceClaims") or ())
    _check_pod_ips(errors, status.get("podIPs") or ())
    _check_host_ips(errors, status)
    for field in _STATUSES:
        _check_users(errors, f"status.{field}", status.get(field) or (), spec)
    _check_allocated(errors, status, spec)
    return errors


def _check_conditions(errors: Errors, conditions: Sequence[Mapping[str, Any]]) -> None:
    for index, condition in enumerate(conditions):
        if (kind := condition.get("type") or "") not in _SYSTEM_CONDITIONS:
            check_rule(errors, f"metadata.conditions[{index}].Type", kind, names.qualified_name)


def _check_transitions(
    errors: Errors, status: Mapping[str, Any], was: Mapping[str, Any], spec: Mapping[str, Any]
) -> None:
    """A container that must not restart stays terminated."""
    for field in _STATUSES:
        policy = "Never" if field == "ephemeralContainerStatuses" else spec.get("restartPolicy")
        if policy == "Always":
            continue
        for index, before in enumerate(was.get(field) or ()):
            ended = (before.get("state") or {}).get("terminated")
            if ended is None or (ended.get("exitCode") and policy == "OnFailure"):
                continue
            if _may_restart(before.get("name"), field, spec):
                continue
            for after in status.get(field) or ():
                still = (after.get("state") or {}).get("terminated")
                if after.get("name") == before.get("name") and still is None:
                    text = "may not be transitioned to non-terminated state"
                    errors.append(forbidden(f"status.{field}[{index}].state", text))


def _may_restart(name: str | None, field: str, spec: Mapping[str, Any]) -> bool:
    """A container with its own restart policy or rules."""
    source = {"initContainerStatuses": "initContainers", "containerStatuses": "containers"}.get(field, "")
    containers = spec.get(source) or ()
    container: Mapping[str, Any] = next((item for item in containers if item.get("name") == name), {})
    policy = container.get("restartPolicy")
    return policy in ("Always", "OnFailure") or bool(container.get("restartPolicyRules"))


def _check_claims(errors: Errors, statuses: Sequence[Mapping[str, Any]], claims: Sequence[Mapping[str, Any]]) -> None:
    known = {claim.get("name") for claim in claims}
    taken: set[str] = set()
    for index, status in enumerate(statuses):
        path, name = f"status.resourceClaimStatuses[{index}].name", status.get("name") or ""
        if name not in known:
            errors.append(invalid(path, name, "must match the name of an entry in `spec.resourceClaims`"))
        if name in taken:
            errors.append(duplicate(path, name))
        taken.add(name)
        if (claim := status.get("resourceClaimName")) is not None:
            check_rule(errors, path, claim, names.dns_subdomain)


def _check_pod_ips(errors: Errors, ips: Sequence[Mapping[str, Any]]) -> None:
    for index, item in enumerate(ips):
        check_ip(errors, f"status.podIPs[{index}]", item.get("ip") or "")
    if len(ips) > 1:
        _check_families(errors, "status.podIPs", ips)
        _check_repeated(errors, "status.podIPs", ips)


def _check_host_ips(errors: Errors, status: Mapping[str, Any]) -> None:
    ips = status.get("hostIPs") or ()
    if not ips:
        return
    if (first := ips[0].get("ip") or "") != (status.get("hostIP") or ""):
        errors.append(invalid("status.hostIPs[0].ip", first, "must be equal to `hostIP`"))
    for index, item in enumerate(ips):
        check_ip(errors, f"status.hostIPs[{index}]", item.get("ip") or "")
    if len(ips) > 1:
        _check_repeated(errors, "status.hostIPs", ips)
        _check_families(errors, "status.hostIPs", ips)


def _check_families(errors: Errors, path: str, ips: Sequence[Mapping[str, Any]]) -> None:
    values = [item.get("ip") or "" for item in ips]
    bad = next((index for index, value in enumerate(values) if parse_ip(value) is None), None)
    if bad is not None:
        text = f"failed to check for dual stack with error:invalid IP[{bad}]: {values[bad]}"
        errors.append(internal(path, text))
    dual = bad is None and len({is_ipv6(value) for value in values}) == 2
    if not dual or len(values) > 2:
        shown = go_json(list(ips), "[]PodIP")
        errors.append(invalid(path, shown, "may specify no more than one IP for each IP family"))


def _check_repeated(errors: Errors, path: str, ips: Sequence[Mapping[str, Any]]) -> None:
    taken: set[str] = set()
    for index, item in enumerate(ips):
        if (value := item.get("ip") or "") in taken:
            errors.append(duplicate(f"{path}[{index}]", go_json(item, "PodIP")))
        taken.add(value)


def _check_users(errors: Errors, path: str, statuses: Sequence[Mapping[str, Any]], spec: Mapping[str, Any]) -> None:
    is_windows = (spec.get("os") or {}).get("name") == "windows"
    for index, status in enumerate(statuses):
        linux = (status.get("user") or {}).get("linux")
        if linux is None:
            continue
        at = f"{path}[{index}].linux"
        if is_windows:
            errors.append(forbidden(at, "cannot be set for a windows pod"))
            continue
        check_user_id(errors, f"{at}.uid", linux.get("uid") or 0)
        check_user_id(errors, f"{at}.gid", linux.get("gid") or 0)
        for position, group in enumerate(linux.get("supplementalGroups") or ()):
            check_user_id(errors, f"{at}.supplementalGroups[{position}]", group)


def _check_allocated(errors: Errors, status: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    for field, source in (("containerStatuses", "containers"), ("initContainerStatuses", "initContainers")):
        by_name = {container.get("name"): container for container in spec.get(source) or ()}
        for index, item in enumerate(status.get(field) or ()):
            for position, resource in enumerate(item.get("allocatedResourcesStatus") or ()):
                path = f"status.{field}[{index}].allocatedResourcesStatus[{position}]"
                _check_allocated_resource(errors, path, resource, by_name.get(item.get("name")))
    for index, item in enumerate(status.get("ephemeralContainerStatuses") or ()):
        if item.get("allocatedResourcesStatus"):
            path = f"status.ephemeralContainerStatuses[{index}].allocatedResourcesStatus"
            errors.append(forbidden(path, "must not be specified in container status"))


def _check_allocated_resource(
    errors: Errors, path: str, resource: Mapping[str, Any], container: Mapping[str, Any] | None
) -> None:
    name = resource.get("name") or ""
    if container is not None:
        resources = container.get("resources") or {}
        if name.startswith("claim:"):
            text = (
                "must match one of the container's resource claims in a format "
                "'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"
            )
            known = {_claim_label(claim) for claim in resources.get("claims") or ()}
        else:
            text, known = "must match one of the container's resource requests", {*(resources.get("requests") or ())}
        if name not in known:
            errors.append(invalid(f"{path}.name", name, text))
    taken: set[str] = set()
    for index, item in enumerate(resource.get("resources") or ()):
        if (health := item.get("health") or "") not in _HEALTH:
            errors.append(not_supported(f"{path}.resources[{index}].health", health, _HEALTH))
        if (identity := item.get("resourceID") or "") in taken:
            errors.append(duplicate(f"{path}.resources[{index}].resourceID", identity))
        taken.add(identity)


def _claim_label(claim: Mapping[str, Any]) -> str:
    request = claim.get("request")
    return f"claim:{claim.get('name', '')}" + (f"/{request}" if request else "")
