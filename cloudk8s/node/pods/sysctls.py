"""Which kernel parameters a pod may set: those that concern nobody else, and those that the node was told of. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of

_SAFE = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
})  # fmt: skip
_OF_IPC = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")


def forbidden(pod: Object, allowed: Sequence[str] = ()) -> str:
    """Why the pod's kernel parameters can't be set; empty if they can. `allowed` may end with `*`."""
    spec = spec_of(pod)
    for each in (spec.get("securityContext") or {}).get("sysctls") or ():
        name = each["name"].replace("/", ".")
        if spec.get("hostNetwork") and name.startswith("net."):
            return f'forbidden sysctl: "{each["name"]}" not allowed with host net enabled'
        if spec.get("hostIPC") and name.startswith(_OF_IPC):
            return f'forbidden sysctl: "{each["name"]}" not allowed with host ipc enabled'
        if name not in _SAFE and not any(_covers(pattern, name) for pattern in allowed):
            return f'forbidden sysctl: "{each["name"]}" not allowlisted'
    return ""


def _covers(pattern: str, name: str) -> bool:
    pattern = pattern.replace("/", ".")
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
