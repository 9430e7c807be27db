"""What a container's process may do: the pod's and the container's security contexts in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.node.containers.environment import ConfigurationError
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.runtimes.interface import Image, Security


def security(
    pod: Object, container: pods.Container, image: Image, *, profiles: Path, volume_groups: Sequence[int] = (),
    default_profile: str = "Unconfined",
) -> Security:  # fmt: skip
    """The security settings; `profiles` has the files of seccomp profiles, `default_profile` goes for who says nothing.

    ConfigurationError where the container must not run as root but would.
    """
    of_pod: Mapping[str, Any] = spec_of(pod).get("securityContext") or {}
    own: Mapping[str, Any] = container.get("securityContext") or {}
    merged = {
        key: own.get(key, of_pod.get(key))
        for key in ("runAsUser", "runAsGroup", "runAsNonRoot", "seccompProfile", "appArmorProfile")
    }
    if merged["runAsNonRoot"]:
        _check_not_root(pod, container, merged["runAsUser"], image)
    capabilities = own.get("capabilities") or {}
    privileged = bool(own.get("privileged"))
    groups = [int(group) for group in of_pod.get("supplementalGroups") or ()]
    if of_pod.get("fsGroup") is not None:
        groups.append(int(of_pod["fsGroup"]))
    return Security(
        privileged=privileged,
        run_as_user=merged["runAsUser"],
        run_as_group=merged["runAsGroup"],
        run_as_username="" if merged["runAsUser"] is not None else image.user,
        supplemental_groups=(*groups, *volume_groups),
        strict_groups=of_pod.get("supplementalGroupsPolicy") == "Strict",
        capabilities_add=tuple(capabilities.get("add") or ()),
        capabilities_drop=tuple(capabilities.get("drop") or ()),
        readonly_root=bool(own.get("readOnlyRootFilesystem")),
        no_new_privileges=own.get("allowPrivilegeEscalation") is False and not privileged,
        unmasked_proc=own.get("procMount") == "Unmasked",
        seccomp=_seccomp(merged["seccompProfile"] or {"type": default_profile}, profiles, privileged=privileged),
        apparmor=_apparmor(merged["appArmorProfile"], privileged=privileged),
    )


def _seccomp(profile: Mapping[str, Any], profiles: Path, *, privileged: bool) -> str:
    if privileged:
        return "Unconfined"
    if profile.get("type") == "Localhost":
        return str(profiles / profile.get("localhostProfile", ""))
    return str(profile.get("type") or "Unconfined")


def _apparmor(profile: Mapping[str, Any] | None, *, privileged: bool) -> str:
    if profile is None or privileged:
        return ""
    if profile.get("type") == "Localhost":
        return f"localhost/{profile.get('localhostProfile', '')}"
    return str(profile.get("type") or "")


def _check_not_root(pod: Object, container: pods.Container, user: int | None, image: Image) -> None:
    where = f'(pod: "{pods.described(pod)}", container: {container["name"]})'
    if user is not None:
        if user == 0:
            raise ConfigurationError(f"container's runAsUser breaks non-root policy {where}")
        return
    image_user = image.user.partition(":")[0]
    if image_user in ("", "0"):
        raise ConfigurationError(f"container has runAsNonRoot and image will run as root {where}")
    if not image_user.isdigit():
        raise ConfigurationError(
            f"container has runAsNonRoot and image has non-numeric user ({image_user}), "
            f"cannot verify user is non-root {where}"
        )
