"""Annotations of pods that mean something to the system."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid
from cloudk8s.api.validation.pod.paths import check_descending
from cloudk8s.api.validation.pod.scheduling import check_tolerations
from cloudk8s.api.validation.pod.windows import containers_with_paths
from cloudk8s.api.validation.values import Errors

MIRROR: Final = "kubernetes.io/config.mirror"
TOLERATIONS: Final = "scheduler.alpha.kubernetes.io/tolerations"
DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
APP_ARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP_POD: Final = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER: Final = "container.seccomp.security.alpha.kubernetes.io/"
_match_int = re.compile("0|-?[1-9][0-9]*").fullmatch


def check_annotations(errors: Errors, path: str, annotations: Mapping[str, str], spec: Mapping[str, Any]) -> None:
    """What a pod's annotations must be like, beyond being annotations."""
    if not any("kubernetes.io/" in key for key in annotations):
        return
    if MIRROR in annotations and not spec.get("nodeName"):
        text = "must set spec.nodeName if mirror pod annotation is set"
        errors.append(invalid(f"{path}[{MIRROR}]", annotations[MIRROR], text))
    if tolerations := annotations.get(TOLERATIONS):
        _check_tolerations(errors, path, tolerations)
    cost = annotations.get(DELETION_COST)
    if cost is not None and not (_match_int(cost) and -(2**31) <= int(cost) < 2**31):
        errors.append(invalid(f"{path}[{DELETION_COST}]", cost, "must be a 32bit integer"))
    for key, value in annotations.items():
        if key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER):
            _check_seccomp(errors, f"{path}.{key}", value)
    for key, value in annotations.items():
        if key.startswith(APP_ARMOR):
            _check_app_armor(errors, f"{path}[{key}]", key.removeprefix(APP_ARMOR), value, spec)


def check_annotation_updates(
    errors: Errors, path: str, new: Mapping[str, str], old: Mapping[str, str], spec: Mapping[str, Any]
) -> None:
    for key, value in old.items():
        if new.get(key) != value:
            _check_frozen(errors, f"{path}[{key}]", key, "remove or update")
    for key in new:
        if key not in old:
            _check_frozen(errors, f"{path}[{key}]", key, "add")
    check_annotations(errors, path, new, spec)


def check_profiles_match(errors: Errors, path: str, annotations: Mapping[str, str], spec: Mapping[str, Any]) -> None:
    """A profile that is given as annotation and as field must be the same."""
    if not any(key == SECCOMP_POD or key.startswith((SECCOMP_CONTAINER, APP_ARMOR)) for key in annotations):
        return
    context = spec.get("securityContext") or {}
    if (profile := context.get("seccompProfile")) is not None and SECCOMP_POD in annotations:
        _match_seccomp(errors, f"{path}.securityContext.seccompProfile", annotations[SECCOMP_POD], profile)
    for container, at in containers_with_paths(spec, path):
        own = container.get("securityContext") or {}
        annotation = annotations.get(SECCOMP_CONTAINER + (container.get("name") or ""))
        if annotation is not None and (profile := own.get("seccompProfile")) is not None:
            _match_seccomp(errors, f"{at}.securityContext.seccompProfile", annotation, profile)
    if (spec.get("os") or {}).get("name") == "windows":
        return
    for container, at in containers_with_paths(spec, path):
        own = container.get("securityContext") or {}
        profile = own.get("appArmorProfile") or context.get("appArmorProfile")
        annotation = annotations.get(APP_ARMOR + (container.get("name") or ""))
        if annotation is not None and profile is not None:
            _match_app_armor(errors, f"{at}.securityContext.appArmorProfile", annotation, profile)


def _check_frozen(errors: Errors, path: str, key: str, verb: str) -> None:
    if key.startswith(APP_ARMOR):
        errors.append(forbidden(path, f"may not {verb} AppArmor annotations"))
    if key == MIRROR:
        errors.append(forbidden(path, f"may not {verb} mirror pod annotation"))


def _check_tolerations(errors: Errors, path: str, text: str) -> None:
    try:
        tolerations = json.loads(text)
    except json.JSONDecodeError as error:
        errors.append(invalid(path, TOLERATIONS, str(error)))
        return
    check_tolerations(errors, f"{path}.{TOLERATIONS}", tolerations or ())


def _check_seccomp(errors: Errors, path: str, profile: str) -> None:
    if profile in ("runtime/default", "docker/default", "unconfined"):
        return
    if profile.startswith("localhost/"):
        check_descending(errors, path, profile.removeprefix("localhost/"))
    else:
        errors.append(invalid(path, profile, "must be a valid seccomp profile"))


def _check_app_armor(errors: Errors, path: str, container: str, profile: str, spec: Mapping[str, Any]) -> None:
    if all(item.get("name") != container for item, _ in containers_with_paths(spec, "")):
        errors.append(invalid(path, container, "container not found"))
    if profile not in ("", "runtime/default", "unconfined") and not profile.startswith("localhost/"):
        errors.append(invalid(path, profile, f'invalid AppArmor profile name: "{profile}"'))


def _match_seccomp(errors: Errors, path: str, annotation: str, profile: Mapping[str, Any]) -> None:
    wanted = {"Unconfined": ("unconfined",), "RuntimeDefault": ("runtime/default", "docker/default")}
    _match_profile(errors, path, annotation, profile, wanted, "seccomp")


def _match_app_armor(errors: Errors, path: str, annotation: str, profile: Mapping[str, Any]) -> None:
    wanted = {"Unconfined": ("unconfined",), "RuntimeDefault": ("runtime/default",)}
    _match_profile(errors, path, annotation, profile, wanted, "apparmor")


def _match_profile(
    errors: Errors,
    path: str,
    annotation: str,
    profile: Mapping[str, Any],
    wanted: Mapping[str, tuple[str, ...]],
    kind: str,
) -> None:
    profile_type = profile.get("type") or ""
    if profile_type in wanted:
        if annotation not in wanted[profile_type]:
            errors.append(forbidden(f"{path}.type", f"{kind} type in annotation and field must match"))
    elif profile_type == "Localhost":
        if not annotation.startswith("localhost/"):
            errors.append(forbidden(f"{path}.type", f"{kind} type in annotation and field must match"))
        elif annotation.removeprefix("localhost/") != profile.get("localhostProfile"):
            text = f"{kind} profile in annotation and field must match"
            errors.append(forbidden(f"{path}.localhostProfile", text))
