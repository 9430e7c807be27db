"""The contract's dataclasses to CRI's messages and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cloudk8s.node.pods import naming
from cloudk8s.node.runtimes import hidden_paths
from cloudk8s.node.runtimes.interface import (
    Container,
    ContainerConfig,
    ContainerState,
    ContainerStats,
    Credentials,
    Image,
    Mount,
    Namespaces,
    NetworkStats,
    Resources,
    Sandbox,
    SandboxConfig,
    Security,
    UserRange,
)

Document = Mapping[str, Any]
Message = dict[str, Any]

_MODES = {"pod": 0, "container": 1, "node": 2, "target": 3}
_PROPAGATIONS = {"private": 0, "host_to_container": 1, "bidirectional": 2}
LOG_DIRECTORY = "cloudk8s.dev/log-directory"
CGROUP_PARENT = "cloudk8s.dev/cgroup-parent"
USERS = "cloudk8s.dev/users"
"""Annotations on sandboxes: CRI wants them again for each container, also after a restart of the agent."""
PODS_GROUP = "kubepods"
"""The cgroup of all pods."""
_PROTOCOLS = {"TCP": 0, "UDP": 1, "SCTP": 2}
_STATES: tuple[ContainerState, ...] = ("created", "running", "exited", "unknown")
_SIGNALS = (
    "", "SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGIO",
    "SIGIOT", "SIGKILL", "SIGPIPE", "SIGPOLL", "SIGPROF", "SIGPWR", "SIGQUIT", "SIGSEGV", "SIGSTKFLT", "SIGSTOP",
    "SIGSYS", "SIGTERM", "SIGTRAP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGUSR1", "SIGUSR2", "SIGVTALRM",
    "SIGWINCH", "SIGXCPU", "SIGXFSZ",
)  # fmt: skip


def sandbox_config(config: SandboxConfig) -> Message:
    """`PodSandboxConfig`."""
    metadata = {"name": config.name, "uid": config.uid, "namespace": config.namespace, "attempt": config.attempt}
    security = {
        "namespace_options": _namespaces(config.namespaces, config.users),
        "privileged": config.privileged,
        "seccomp": {"profile_type": 0},
    }
    dns = config.dns
    return {
        "metadata": metadata,
        "hostname": "" if config.namespaces.network == "node" else config.hostname,
        "log_directory": config.log_directory,
        "dns_config": None
        if dns is None
        else {"servers": dns.servers, "searches": dns.searches, "options": dns.options},
        "port_mappings": [
            {
                "protocol": _PROTOCOLS.get(each.protocol, 0),
                "container_port": each.container_port,
                "host_port": each.host_port,
                "host_ip": each.host_ip,
            }
            for each in config.port_mappings
        ],
        "labels": config.labels,
        "annotations": config.annotations,
        "linux": {
            "cgroup_parent": f"/{PODS_GROUP}/{config.cgroup_parent}" if config.cgroup_parent else "",
            "security_context": security,
            "sysctls": config.sysctls,
        },
    }


def container_config(config: ContainerConfig, users: UserRange | None = None) -> Message:
    """`ContainerConfig`, of a container of a pod with these users."""
    return {
        "metadata": {"name": config.name, "attempt": config.attempt},
        "image": {"image": config.image, "user_specified_image": config.user_image},
        "command": config.command,
        "args": config.args,
        "working_dir": config.working_dir,
        "envs": [{"key": key, "value": value} for key, value in config.env],
        "mounts": [_mount(mount, users) for mount in config.mounts],
        "CDI_devices": [{"name": name} for name in config.cdi_devices],
        "devices": [
            {"container_path": each.container_path, "host_path": each.host_path, "permissions": each.permissions}
            for each in config.devices
        ],
        "labels": config.labels,
        "annotations": config.annotations,
        "log_path": config.log_path,
        "stdin": config.stdin,
        "stdin_once": config.stdin_once,
        "tty": config.tty,
        "linux": {"resources": resources(config.resources), "security_context": _security(config, users)},
        "stop_signal": _SIGNALS.index(config.stop_signal) if config.stop_signal in _SIGNALS else 0,
    }


def resources(wanted: Resources) -> Message:
    """`LinuxContainerResources`."""
    return {
        "cpu_period": wanted.cpu_period,
        "cpu_quota": wanted.cpu_quota or -1,
        "cpu_shares": wanted.cpu_shares,
        "memory_limit_in_bytes": wanted.memory_limit,
        "oom_score_adj": wanted.oom_score_adj,
        "cpuset_cpus": wanted.cpuset,
        "hugepage_limits": [{"page_size": size, "limit": amount} for size, amount in wanted.huge_pages],
    }


def auth(credentials: Credentials) -> Message:
    """`AuthConfig`."""
    return {
        "username": credentials.username,
        "password": credentials.password,
        "identity_token": credentials.identity_token,
        "registry_token": credentials.registry_token,
    }


def sandbox(item: Document, ips: tuple[str, ...]) -> Sandbox:
    """From `PodSandbox`, with the addresses of its status."""
    metadata = item.get("metadata") or {}
    return Sandbox(
        id=item["id"], name=metadata.get("name", ""), namespace=metadata.get("namespace", ""),
        uid=metadata.get("uid", ""), attempt=metadata.get("attempt", 0),
        state="ready" if item.get("state", 0) == 0 else "notready", created_at=time(item.get("created_at", 0)),
        ips=ips, labels=item["labels"], annotations=item["annotations"], handler=item.get("runtime_handler", ""),
        log_directory=item["annotations"].get(LOG_DIRECTORY, ""),
    )  # fmt: skip


def container(status: Document, sandbox_id: str) -> Container:
    """From `ContainerStatus`."""
    metadata, user = status.get("metadata") or {}, (status.get("user") or {}).get("linux")
    state = _STATES[status.get("state", 0)]
    code = status.get("exit_code", 0)
    return Container(
        id=status["id"],
        sandbox_id=sandbox_id,
        name=status["labels"].get(naming.CONTAINER_NAME, metadata.get("name", "")),
        attempt=metadata.get("attempt", 0),
        state=state,
        image=_shown_image(status),
        image_id=status.get("image_id") or status.get("image_ref", ""),
        created_at=time(status.get("created_at", 0)),
        started_at=time(status["started_at"]) if status.get("started_at") else None,
        finished_at=time(status["finished_at"]) if status.get("finished_at") else None,
        exit_code=code,
        reason=status.get("reason", "") if state == "exited" else "",
        message=status.get("message", ""),
        labels=status["labels"],
        annotations=status["annotations"],
        log_path=status.get("log_path", ""),
        resources=_resources(status),
        user=(user.get("uid", 0), user.get("gid", 0), tuple(user["supplemental_groups"])) if user else None,
        stop_signal=_SIGNALS[status["stop_signal"]] if 0 < status.get("stop_signal", 0) < len(_SIGNALS) else "",
    )


def image(found: Document) -> Image:
    """From `Image`."""
    uid = found.get("uid")
    return Image(
        id=found.get("id", ""), tags=tuple(found["repo_tags"]), digests=tuple(found["repo_digests"]),
        size=found.get("size", 0), user=str(uid.get("value", 0)) if uid is not None else found.get("username", ""),
        pinned=found.get("pinned", False),
    )  # fmt: skip


def stats(found: Document) -> ContainerStats:
    """From `ContainerStats`."""
    attributes, cpu, memory = found["attributes"], found.get("cpu") or {}, found.get("memory") or {}
    layer = found.get("writable_layer") or {}
    return ContainerStats(
        id=attributes["id"], name=(attributes.get("metadata") or {}).get("name", ""), labels=attributes["labels"],
        time=time(cpu.get("timestamp", 0)), cpu_nanoseconds=_number(cpu, "usage_core_nano_seconds"),
        memory_working_set=_number(memory, "working_set_bytes"),
        memory_usage=_number(memory, "usage_bytes") or _number(memory, "working_set_bytes"),
        memory_rss=_number(memory, "rss_bytes"), writable_layer_bytes=_number(layer, "used_bytes"),
        writable_layer_inodes=_number(layer, "inodes_used"),
    )  # fmt: skip


def networks(found: Document) -> list[NetworkStats]:
    """From `PodSandboxStats`: the interface that leads outside first."""
    usage = (found.get("linux") or {}).get("network") or {}
    first = usage.get("default_interface")
    return [
        NetworkStats(
            each.get("name", ""),
            _number(each, "rx_bytes"),
            _number(each, "tx_bytes"),
            _number(each, "rx_errors"),
            _number(each, "tx_errors"),
        )
        for each in (*([first] if first else ()), *(usage.get("interfaces") or ()))
    ]


def time(nanoseconds: int) -> datetime:
    """A moment; 0 is the beginning of the epoch."""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


def users_as_text(users: UserRange | None) -> str:
    """For the annotation of a sandbox."""
    return "" if users is None else f"{users.first}:{users.length}"


def users_of_text(text: str) -> UserRange | None:
    """From the annotation of a sandbox."""
    first, _, length = text.partition(":")
    return UserRange(int(first), int(length)) if first else None


def _mappings(users: UserRange | None) -> list[Message]:
    return [] if users is None else [{"host_id": users.first, "container_id": 0, "length": users.length}]


def _namespaces(namespaces: Namespaces, users: UserRange | None) -> Message:
    """Whose users: the pod's own (mode 0), or the node's."""
    mappings = _mappings(users)
    return {
        "userns_options": {"mode": 0 if users else _MODES["node"], "uids": mappings, "gids": mappings},
        "network": _MODES[namespaces.network],
        "pid": _MODES[namespaces.pid],
        "ipc": _MODES[namespaces.ipc],
        "target_id": namespaces.target_id if namespaces.pid == "target" else "",
    }


def _mount(mount: Mount, users: UserRange | None) -> Message:
    described: dict[str, Any] = {
        "container_path": mount.container_path,
        "host_path": "" if mount.image else mount.host_path,
        "readonly": mount.readonly,
        "propagation": _PROPAGATIONS[mount.propagation],
        "recursive_read_only": mount.recursive_readonly,
        "uidMappings": _mappings(users),
        "gidMappings": _mappings(users),
    }
    if mount.image:
        described |= {"image": {"image": mount.image}, "image_sub_path": mount.host_path.strip("/")}
    return described


def _security(config: ContainerConfig, users: UserRange | None) -> Message:
    security = config.security
    hides = not (security.privileged or security.unmasked_proc)
    found: dict[str, Any] = {
        "capabilities": {
            "add_capabilities": security.capabilities_add,
            "drop_capabilities": security.capabilities_drop,
        },
        "privileged": security.privileged,
        "namespace_options": _namespaces(config.namespaces, users),
        "readonly_rootfs": security.readonly_root,
        "supplemental_groups": security.supplemental_groups,
        "supplemental_groups_policy": int(security.strict_groups),
        "no_new_privs": security.no_new_privileges,
        "masked_paths": hidden_paths.MASKED if hides else (),
        "readonly_paths": hidden_paths.READONLY if hides else (),
        "seccomp": _seccomp(security),
    }
    if security.apparmor:
        found["apparmor"] = _apparmor(security.apparmor)
    return found | _user(security)


def _user(security: Security) -> Message:
    """One of user and name; a group only with either."""
    name = security.run_as_username
    user = security.run_as_user
    if user is None and name.isdigit():
        user, name = int(name), ""
    found: dict[str, Any] = {}
    if user is not None:
        found["run_as_user"] = {"value": user}
    elif name:
        found["run_as_username"] = name
    if security.run_as_group is not None:
        if not found:
            found["run_as_user"] = {"value": 0}
        found["run_as_group"] = {"value": security.run_as_group}
    return found


def _seccomp(security: Security) -> Message:
    if security.privileged or security.seccomp == "Unconfined":
        return {"profile_type": 1}
    if security.seccomp == "RuntimeDefault":
        return {"profile_type": 0}
    return {"profile_type": 2, "localhost_ref": security.seccomp}


def _apparmor(profile: str) -> Message:
    if profile.startswith("localhost/"):
        return {"profile_type": 2, "localhost_ref": profile.removeprefix("localhost/")}
    return {"profile_type": 0 if profile == "RuntimeDefault" else 1}


def _shown_image(status: Document) -> str:
    spec = status.get("image") or {}
    return str(spec.get("user_specified_image") or spec.get("image", ""))


def _resources(status: Document) -> Resources | None:
    linux = (status.get("resources") or {}).get("linux")
    if linux is None:
        return None
    return Resources(
        cpu_shares=linux.get("cpu_shares", 0),
        cpu_quota=max(0, linux.get("cpu_quota", 0)),
        cpu_period=linux.get("cpu_period", 100_000),
        memory_limit=linux.get("memory_limit_in_bytes", 0),
        oom_score_adj=linux.get("oom_score_adj", 0),
        cpuset=linux.get("cpuset_cpus", ""),
    )


def _number(document: Document, name: str) -> int:
    return int((document.get(name) or {}).get("value", 0))
