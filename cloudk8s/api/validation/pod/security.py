"""Security contexts of pods and containers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, invalid, not_supported, required, too_long
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.pod.paths import check_descending
from cloudk8s.api.validation.pod.windows import check_windows_options
from cloudk8s.api.validation.values import Errors, check_optional, check_user_id

_PROFILES: Final = ("Localhost", "RuntimeDefault", "Unconfined")
_SYSCTL: Final = r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_PATH_MAX: Final = 4095
_match_sysctl = re.compile(_SYSCTL).fullmatch
_NET_SYSCTLS: Final = ("net.",)
_IPC_SYSCTLS: Final = ("kernel.shm", "kernel.msg", "fs.mqueue.")


def check_pod_security(errors: Errors, path: str, context: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    if not context and not spec.get("shareProcessNamespace"):
        return
    for key in ("fsGroup", "runAsUser", "runAsGroup"):
        check_user_id(errors, f"{path}.{key}", context.get(key))
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        check_user_id(errors, f"{path}.supplementalGroups[{index}]", group)
    if spec.get("hostPID") and spec.get("shareProcessNamespace"):
        text = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(invalid(f"{path}.shareProcessNamespace", True, text))
    if sysctls := context.get("sysctls"):
        _check_sysctls(errors, f"{path}.sysctls", sysctls, spec)
    check_optional(
        errors, f"{path}.fsGroupChangePolicy", context.get("fsGroupChangePolicy"), {"Always", "OnRootMismatch"}
    )
    _check_profiles(errors, path, context)
    policy = context.get("supplementalGroupsPolicy")
    check_optional(errors, f"{path}.supplementalGroupsPolicy", policy, {"Merge", "Strict"})
    policy = context.get("seLinuxChangePolicy")
    check_optional(errors, f"{path}.seLinuxChangePolicy", policy, {"MountOption", "Recursive"})


def check_container_security(errors: Errors, path: str, context: Mapping[str, Any], *, host_users: bool) -> None:
    check_user_id(errors, f"{path}.runAsUser", context.get("runAsUser"))
    check_user_id(errors, f"{path}.runAsGroup", context.get("runAsGroup"))
    if (mount := context.get("procMount")) is not None:
        check_optional(errors, f"{path}.procMount", mount, ("Default", "Unmasked"))
        if host_users and mount == "Unmasked":
            errors.append(invalid(f"{path}.procMount", mount, "`hostUsers` must be false to use `Unmasked`"))
    check_seccomp(errors, f"{path}.seccompProfile", context.get("seccompProfile"))
    if context.get("allowPrivilegeEscalation") is False:
        _check_no_escalation(errors, path, context)
    check_windows_options(errors, f"{path}.windowsOptions", context.get("windowsOptions"))
    check_app_armor(errors, f"{path}.appArmorProfile", context.get("appArmorProfile"))


def check_seccomp(errors: Errors, path: str, profile: Mapping[str, Any] | None) -> None:
    if profile is None:
        return
    kind, local = profile.get("type") or "", profile.get("localhostProfile")
    if not kind:
        errors.append(required(f"{path}.type", "type is required when seccompProfile is set"))
    elif kind not in _PROFILES:
        errors.append(not_supported(f"{path}.type", kind, _PROFILES))
    if kind == "Localhost":
        if local is None:
            text = "must be set when seccomp type is Localhost"
            errors.append(required(f"{path}.localhostProfile", text))
        else:
            check_descending(errors, f"{path}.localhostProfile", local)
    elif local is not None:
        shown = go_json(profile, "SeccompProfile")
        errors.append(invalid(f"{path}.localhostProfile", shown, "can only be set when seccomp type is Localhost"))


def check_app_armor(errors: Errors, path: str, profile: Mapping[str, Any] | None) -> None:
    if profile is None:
        return
    kind, local = profile.get("type") or "", profile.get("localhostProfile")
    if kind == "Localhost":
        _check_local_app_armor(errors, f"{path}.localhostProfile", local)
    elif not kind:
        errors.append(required(f"{path}.type", "type is required when appArmorProfile is set"))
    elif kind not in _PROFILES:
        errors.append(not_supported(f"{path}.type", kind, _PROFILES))
    elif local is not None:
        text = "can only be set when AppArmor type is Localhost"
        errors.append(invalid(f"{path}.localhostProfile", local, text))


def _check_profiles(errors: Errors, path: str, context: Mapping[str, Any]) -> None:
    check_seccomp(errors, f"{path}.seccompProfile", context.get("seccompProfile"))
    check_windows_options(errors, f"{path}.windowsOptions", context.get("windowsOptions"))
    check_app_armor(errors, f"{path}.appArmorProfile", context.get("appArmorProfile"))


def _check_local_app_armor(errors: Errors, path: str, profile: str | None) -> None:
    missing = "must be set when AppArmor type is Localhost"
    if profile is None:
        errors.append(required(path, missing))
        return
    if profile.strip() != profile:
        errors.append(invalid(path, profile, "must not be padded with whitespace"))
    elif not profile:
        errors.append(required(path, missing))
    if len(profile) > _PATH_MAX:
        errors.append(too_long(path, _PATH_MAX))


def _check_no_escalation(errors: Errors, path: str, context: Mapping[str, Any]) -> None:
    shown = None
    if context.get("privileged"):
        shown = go_json(context, "SecurityContext")
        text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        errors.append(invalid(path, shown, text))
    for capability in (context.get("capabilities") or {}).get("add") or ():
        if capability == "CAP_SYS_ADMIN":
            shown = shown or go_json(context, "SecurityContext")
            text = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            errors.append(invalid(path, shown, text))


def _check_sysctls(errors: Errors, path: str, sysctls: list[dict[str, Any]], spec: Mapping[str, Any]) -> None:
    seen: set[str] = set()
    for index, sysctl in enumerate(sysctls):
        name = sysctl.get("name") or ""
        at = f"{path}[{index}].name"
        if not name:
            errors.append(required(at))
        elif len(name) > 253 or not _match_sysctl(name):
            text = f"must have at most 253 characters and match regex ^{_SYSCTL}$"
            errors.append(invalid(at, name, text))
        elif name in seen:
            errors.append(duplicate(at, name))
        _check_host_sysctl(errors, at, name, spec)
        seen.add(name)


def _check_host_sysctl(errors: Errors, path: str, name: str, spec: Mapping[str, Any]) -> None:
    dotted = name.replace("/", ".")
    if spec.get("hostNetwork") and dotted.startswith(_NET_SYSCTLS):
        errors.append(invalid(path, name, "may not be specified when 'hostNetwork' is true"))
    elif spec.get("hostIPC") and (dotted.startswith(_IPC_SYSCTLS) or dotted == "kernel.sem"):
        errors.append(invalid(path, name, "may not be specified when 'hostIPC' is true"))
