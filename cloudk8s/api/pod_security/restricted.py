"""The checks that the restricted level adds or tightens: hardening by what a pod must set."""

from __future__ import annotations

from typing import Final

from cloudk8s.api.pod_security.baseline import Found
from cloudk8s.api.pod_security.pod_view import PodView, containers, quoted

_VOLUMES: Final = frozenset({
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret", "image",
})  # fmt: skip
_SECCOMP: Final = frozenset({"RuntimeDefault", "Localhost"})


def allow_privilege_escalation(pod: PodView, minor: int) -> Found:
    if pod.is_windows and minor >= 25:
        return None
    names = pod.names(lambda context: context.get("allowPrivilegeEscalation") is not False)
    if not names:
        return None
    text = f"{containers(names)} must set securityContext.allowPrivilegeEscalation=false"
    return "allowPrivilegeEscalation != false", text


def capabilities(pod: PodView, minor: int) -> Found:
    if minor < 22 or (pod.is_windows and minor >= 25):
        return None
    undropped = pod.names(lambda context: "ALL" not in ((context.get("capabilities") or {}).get("drop") or []))
    added: list[str] = []
    adding: list[str] = []
    for item in pod.containers():
        wanted = ((item.get("securityContext") or {}).get("capabilities") or {}).get("add") or []
        wrong = [name for name in wanted if name != "NET_BIND_SERVICE"]
        if wrong:
            adding.append(item["name"])
            added += [name for name in wrong if name not in added]
    details = []
    if undropped:
        details.append(f'{containers(undropped)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        names = quoted(sorted(added))
        details.append(f"{containers(adding)} must not include {names} in securityContext.capabilities.add")
    return ("unrestricted capabilities", "; ".join(details)) if details else None


def restricted_volumes(pod: PodView, minor: int) -> Found:
    names: list[str] = []
    types: list[str] = []
    for item in pod.spec.get("volumes") or []:
        kinds = [key for key, value in item.items() if key != "name" and value is not None]
        bad = [kind for kind in kinds if kind not in _VOLUMES]
        if bad or not kinds:
            names.append(item["name"])
            types += [kind for kind in bad or ["unknown"] if kind not in types]
    if not names:
        return None
    volumes = f"{'volume' if len(names) == 1 else 'volumes'} {quoted(names)}"
    verb, plural = ("uses", "type") if len(names) == 1 else ("use", "type" if len(types) == 1 else "types")
    return "restricted volume types", f"{volumes} {verb} restricted volume {plural} {quoted(sorted(types))}"


def run_as_non_root(pod: PodView, minor: int) -> Found:
    if pod.has_own_users and minor >= 35:
        return None
    by_pod = pod.context.get("runAsNonRoot")
    explicit = pod.names(lambda context: context.get("runAsNonRoot") is False)
    details = []
    if explicit:
        details.append(f"{containers(explicit)} must not set securityContext.runAsNonRoot=false")
    if by_pod is True:
        return ("runAsNonRoot != true", " and ".join(details)) if details else None
    implicit = pod.names(lambda context: context.get("runAsNonRoot") is None)
    if by_pod is False and implicit:
        details.insert(0, "pod must not set securityContext.runAsNonRoot=false")
        return "runAsNonRoot != true", " and ".join(details)
    if implicit:
        text = f"pod or {containers(implicit)} must set securityContext.runAsNonRoot=true"
        return "runAsNonRoot != true", text if not details else f"{details[0]} and {text}"
    return ("runAsNonRoot != true", details[0]) if details else None


def run_as_user(pod: PodView, minor: int) -> Found:
    if minor < 23 or (pod.has_own_users and minor >= 35):
        return None
    setters = ["pod"] if pod.context.get("runAsUser") == 0 else []
    names = pod.names(lambda context: context.get("runAsUser") == 0)
    if names:
        setters.append(containers(names))
    return ("runAsUser=0", f"{' and '.join(setters)} must not set runAsUser=0") if setters else None


def seccomp_profile(pod: PodView, minor: int) -> Found:
    if minor < 19 or (pod.is_windows and minor >= 25):
        return None
    by_pod = (pod.context.get("seccompProfile") or {}).get("type")
    bad_names = pod.names(lambda context: (context.get("seccompProfile") or {}).get("type") not in (None, *_SECCOMP))
    bad_types = {
        kind
        for item in pod.containers()
        if (kind := ((item.get("securityContext") or {}).get("seccompProfile") or {}).get("type"))
        and kind not in _SECCOMP
    }
    setters = []
    if by_pod is not None and by_pod not in _SECCOMP:
        setters.append("pod")
        bad_types.add(by_pod)
    if bad_names:
        setters.append(containers(bad_names))
    if setters:
        types = quoted(sorted(bad_types))
        return "seccompProfile", f"{' and '.join(setters)} must not set securityContext.seccompProfile.type to {types}"
    if by_pod in _SECCOMP:
        return None
    unset = pod.names(lambda context: (context.get("seccompProfile") or {}).get("type") is None)
    if not unset:
        return None
    return "seccompProfile", (
        f'pod or {containers(unset)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    )
