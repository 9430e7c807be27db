"""The checks of the baseline level: known ways out of a container."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.pod_security.pod_view import PodView, Tree, containers, quoted

Found = tuple[str, str] | None
"""Reason and detail of a violation."""

_CAPABILITIES: Final = frozenset({
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
})  # fmt: skip
_SELINUX_TYPES: Final = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
_SYSCTLS: Final = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
})  # fmt: skip
_APPARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
_LOCAL_HOSTS: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})


def app_armor(pod: PodView, minor: int) -> Found:
    annotations = pod.metadata.get("annotations") or {}
    bad = sorted(
        f"{key}={value}"
        for key, value in annotations.items()
        if key.startswith(_APPARMOR) and not (value in ("", "runtime/default") or value.startswith("localhost/"))
    )
    names = pod.names(lambda context: (context.get("appArmorProfile") or {}).get("type") == "Unconfined")
    details = []
    if (pod.context.get("appArmorProfile") or {}).get("type") == "Unconfined":
        details.append('pod must not set AppArmor profile type to "Unconfined"')
    if names:
        details.append(f'{containers(names)} must not set AppArmor profile type to "Unconfined"')
    if bad:
        details.append(f"{'annotation' if len(bad) == 1 else 'annotations'} {quoted(bad)}")
    if not details:
        return None
    return ("forbidden AppArmor profile" if len(details) == 1 else "forbidden AppArmor profiles"), " and ".join(details)


def capabilities(pod: PodView, minor: int) -> Found:
    added: list[str] = []
    bad: list[str] = []
    for item in pod.containers():
        wanted = ((item.get("securityContext") or {}).get("capabilities") or {}).get("add") or []
        wrong = [name for name in wanted if name not in _CAPABILITIES]
        if wrong:
            bad.append(item["name"])
            added += [name for name in wrong if name not in added]
    if not bad:
        return None
    return "non-default capabilities", (
        f"{containers(bad)} must not include {quoted(sorted(added))} in securityContext.capabilities.add"
    )


def host_namespaces(pod: PodView, minor: int) -> Found:
    found = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(name)]
    return ("host namespaces", ", ".join(found)) if found else None


def host_path_volumes(pod: PodView, minor: int) -> Found:
    names = [item["name"] for item in pod.spec.get("volumes") or [] if item.get("hostPath") is not None]
    return ("hostPath volumes", f"{'volume' if len(names) == 1 else 'volumes'} {quoted(names)}") if names else None


def host_ports(pod: PodView, minor: int) -> Found:
    names: list[str] = []
    ports: set[int] = set()
    for item in pod.containers():
        used = {port["hostPort"] for port in item.get("ports") or [] if port.get("hostPort")}
        if used:
            names.append(item["name"])
            ports |= used
    if not names:
        return None
    numbers = ", ".join(str(port) for port in sorted(ports))
    return "hostPort", (
        f"{containers(names)} {'uses' if len(names) == 1 else 'use'} "
        f"{'hostPort' if len(ports) == 1 else 'hostPorts'} {numbers}"
    )


def host_probes(pod: PodView, minor: int) -> Found:
    if minor < 34:
        return None
    names: list[str] = []
    hosts: list[str] = []
    for item in pod.containers():
        bad = [host for host in _hosts(item) if host not in _LOCAL_HOSTS]
        if bad:
            names.append(item["name"])
            hosts += [host for host in bad if host not in hosts]
    if not names:
        return None
    verb = "uses" if len(names) == 1 else "use"
    return "probe or lifecycle host", f"{containers(names)} {verb} probe or lifecycle {_hosts_text(hosts)}"


def _hosts_text(hosts: list[str]) -> str:
    return f"{'host' if len(hosts) == 1 else 'hosts'} {quoted(hosts)}"


def _hosts(container: Tree) -> list[str]:
    lifecycle: Tree = container.get("lifecycle") or {}
    handlers: list[Any] = [container.get(f"{kind}Probe") for kind in ("liveness", "readiness", "startup")]
    handlers += [lifecycle.get("postStart"), lifecycle.get("preStop")]
    return [
        str((handler.get(kind) or {}).get("host", ""))
        for handler in handlers
        if handler
        for kind in ("httpGet", "tcpSocket")
        if handler.get(kind)
    ]


def privileged(pod: PodView, minor: int) -> Found:
    names = pod.names(lambda context: bool(context.get("privileged")))
    return ("privileged", f"{containers(names)} must not set securityContext.privileged=true") if names else None


def proc_mount(pod: PodView, minor: int) -> Found:
    if pod.has_own_users and minor >= 35:
        return None
    return restricted_proc_mount(pod, minor)


def restricted_proc_mount(pod: PodView, minor: int) -> Found:
    found = {
        item["name"]: mount
        for item in pod.containers()
        if (mount := (item.get("securityContext") or {}).get("procMount")) not in (None, "", "Default")
    }
    if not found:
        return None
    values = quoted(sorted(set(found.values())))
    return "procMount", f"{containers(list(found))} must not set securityContext.procMount to {values}"


def selinux_options(pod: PodView, minor: int) -> Found:
    setters: list[str] = []
    types: list[str] = []
    extra: set[str] = set()

    def look(options: Tree) -> bool:
        bad = False
        if options.get("type", "") not in _SELINUX_TYPES:
            types.append(options["type"])
            bad = True
        for field in ("user", "role"):
            if options.get(field):
                extra.add(field)
                bad = True
        return bad

    if look(pod.context.get("seLinuxOptions") or {}):
        setters.append("pod")
    names = [
        item["name"]
        for item in pod.containers()
        if look((item.get("securityContext") or {}).get("seLinuxOptions") or {})
    ]
    if names:
        setters.append(containers(names))
    if not setters:
        return None
    details = []
    if types:
        unique = list(dict.fromkeys(types))
        details.append(f"{'type' if len(unique) == 1 else 'types'} {quoted(unique)}")
    details += [f"{field} may not be set" for field in ("user", "role") if field in extra]
    text = f"{' and '.join(setters)} set forbidden securityContext.seLinuxOptions: {'; '.join(details)}"
    return "seLinuxOptions", text


def seccomp_profile(pod: PodView, minor: int) -> Found:
    setters = ["pod"] if (pod.context.get("seccompProfile") or {}).get("type") == "Unconfined" else []
    names = pod.names(lambda context: (context.get("seccompProfile") or {}).get("type") == "Unconfined")
    if names:
        setters.append(containers(names))
    if not setters:
        return None
    return "seccompProfile", f'{" and ".join(setters)} must not set securityContext.seccompProfile.type to "Unconfined"'


def sysctls(pod: PodView, minor: int) -> Found:
    names = [item["name"] for item in pod.context.get("sysctls") or [] if item["name"] not in _SYSCTLS]
    return ("forbidden sysctls", ", ".join(names)) if names else None


def windows_host_process(pod: PodView, minor: int) -> Found:
    names = pod.names(lambda context: bool((context.get("windowsOptions") or {}).get("hostProcess")))
    setters = ["pod"] if (pod.context.get("windowsOptions") or {}).get("hostProcess") else []
    if names:
        setters.append(containers(names))
    if not setters:
        return None
    text = f"{' and '.join(setters)} must not set securityContext.windowsOptions.hostProcess=true"
    return "hostProcess", text
