"""What only Windows pods may say, and what they may not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid
from cloudk8s.api.validation import names
from cloudk8s.api.validation.values import Errors, check_rule

_SPEC_MAX_KIB: Final = 64
_LINUX_ONLY: Final = "cannot be set for a windows pod"
_WINDOWS_ONLY: Final = "windows options cannot be set for a linux pod"
_DNS_LABEL: Final = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_search_control = re.compile(r"[\x00-\x1f\x7f]").search
_match_netbios = re.compile(r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}').fullmatch
_match_domain = re.compile(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*").fullmatch
_search_forbidden = re.compile(r'["/\\:;|=,+*?<>@\[\]]').search
_match_dots_and_spaces = re.compile("[. ]+").fullmatch

_POD_FIELDS: Final = (
    ("appArmorProfile", True), ("seLinuxOptions", True), ("hostUsers", False), ("hostPID", False),
    ("hostIPC", False), ("seccompProfile", True), ("fsGroup", True), ("fsGroupChangePolicy", True),
    ("sysctls", True), ("shareProcessNamespace", False), ("runAsUser", True), ("runAsGroup", True),
    ("supplementalGroups", True), ("supplementalGroupsPolicy", True), ("seLinuxChangePolicy", True),
)  # fmt: skip
"""Linux fields of a pod, in upstream's order; whether they are in its security context."""

_CONTAINER_FIELDS: Final = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
    "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
)  # fmt: skip


def containers_with_paths(spec: Mapping[str, Any], path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every container of a pod in upstream's order: init, regular, ephemeral."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            yield container, f"{path}.{field}[{index}]"


def check_linux_pod(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    if (spec.get("securityContext") or {}).get("windowsOptions") is not None:
        errors.append(forbidden(f"{path}.securityContext.windowsOptions", _WINDOWS_ONLY))
    for container, at in containers_with_paths(spec, path):
        if (container.get("securityContext") or {}).get("windowsOptions") is not None:
            errors.append(forbidden(f"{at}.securityContext.windowsOptions", _WINDOWS_ONLY))


def check_windows_pod(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    context = spec.get("securityContext") or {}
    for field, in_context in _POD_FIELDS:
        value = (context if in_context else spec).get(field)
        is_set = bool(value) if field in ("hostPID", "hostIPC", "sysctls") else value is not None
        if is_set:
            errors.append(
                forbidden(f"{path}.securityContext.{field}" if in_context else f"{path}.{field}", _LINUX_ONLY)
            )
    for container, at in containers_with_paths(spec, path):
        own = container.get("securityContext") or {}
        for field in _CONTAINER_FIELDS:
            if own.get(field) is not None:
                errors.append(forbidden(f"{at}.securityContext.{field}", _LINUX_ONLY))


def check_windows_options(errors: Errors, path: str, options: Mapping[str, Any] | None) -> None:
    if options is None:
        return
    if (name := options.get("gmsaCredentialSpecName")) is not None:
        check_rule(errors, f"{path}.gmsaCredentialSpecName", name, names.dns_subdomain)
    if (spec := options.get("gmsaCredentialSpec")) is not None:
        if not spec:
            errors.append(invalid(f"{path}.gmsaCredentialSpec", spec, "gmsaCredentialSpec cannot be an empty string"))
        elif len(spec.encode()) > _SPEC_MAX_KIB * 1024:
            text = f"gmsaCredentialSpec size must be under {_SPEC_MAX_KIB} KiB"
            errors.append(invalid(f"{path}.gmsaCredentialSpec", spec, text))
    if (user := options.get("runAsUserName")) is not None:
        for text in _user_name_problems(user):
            errors.append(invalid(f"{path}.runAsUserName", user, f"runAsUserName{text}"))


def check_host_process(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    """Either all containers are host processes, or none; they need the host's network."""
    pod_setting = _host_process(spec)
    total = found = 0
    for container, at in containers_with_paths(spec, path):
        total += 1
        own = _host_process(container)
        if pod_setting is not None and own is not None and own != pod_setting:
            shown = "true" if pod_setting else "false"
            text = f"pod hostProcess value must be identical if both are specified, was {shown}"
            errors.append(invalid(f"{at}.securityContext.windowsOptions.hostProcess", own, text))
        found += bool(pod_setting if own is None else own)
    if not found:
        return
    if found != total:
        text = "If pod contains any hostProcess containers then all containers must be HostProcess containers"
        errors.append(invalid(path, "", text))
    if not spec.get("hostNetwork"):
        text = "hostNetwork must be true if pod contains any hostProcess containers"
        errors.append(invalid(f"{path}.hostNetwork", False, text))


def _host_process(holder: Mapping[str, Any]) -> bool | None:
    setting: bool | None = ((holder.get("securityContext") or {}).get("windowsOptions") or {}).get("hostProcess")
    return setting


def _user_name_problems(name: str) -> list[str]:
    if not name:
        return [" cannot be an empty string"]
    if _search_control(name):
        return [" cannot contain control characters"]
    if name.count("\\") > 1:
        return [" cannot contain more than one backslash"]
    domain, has_domain, user = name.rpartition("\\")
    problems = []
    if len(domain) >= 256:
        problems.append("'s Domain length must be under 256 characters")
    if has_domain and not (_match_netbios(domain) or _match_domain(domain)):
        problems.append("'s Domain doesn't match the NetBios nor the DNS format")
    if not user:
        problems.append("'s User cannot be empty")
    elif len(user) > 104:
        problems.append("'s User length must not be longer than 104 characters")
    if _match_dots_and_spaces(user):
        problems.append("'s User cannot contain only periods or spaces")
    if _search_forbidden(user):
        problems.append("'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]")
    return problems
