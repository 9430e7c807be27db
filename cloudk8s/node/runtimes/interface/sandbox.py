"""What the containers of one pod share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

NamespaceMode = Literal["pod", "container", "node", "target"]
SandboxState = Literal["ready", "notready"]


@dataclass(frozen=True, slots=True)
class DNSConfig:
    """What goes into a pod's resolv.conf."""

    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A port of the host that leads to one of the sandbox."""

    container_port: int
    host_port: int
    protocol: str = "TCP"
    host_ip: str = ""


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Whose namespaces a sandbox or container has: its own, the pod's, the node's, or another container's."""

    network: NamespaceMode = "pod"
    pid: NamespaceMode = "container"
    ipc: NamespaceMode = "pod"
    target_id: str = ""
    """The container whose PID namespace is joined where `pid` is `target`."""


@dataclass(frozen=True, slots=True)
class Resources:
    """Limits of one container; 0 is none."""

    cpu_shares: int = 0
    cpu_quota: int = 0
    """Microseconds of CPU time in each `cpu_period`; 0 or less is no limit."""
    cpu_period: int = 100_000
    memory_limit: int = 0
    memory_request: int = 0
    pids_limit: int = 0
    huge_pages: tuple[tuple[str, int], ...] = ()
    """Bytes of huge pages by size, as in ("2MB", 4194304)."""
    oom_score_adj: int = 0
    cpuset: str = ""


@dataclass(frozen=True, slots=True)
class UserRange:
    """The users of the host that a pod's own are, whose user 0 is `first`; of groups the same."""

    first: int
    length: int = 65_536


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """The description of a sandbox. `log_directory` exists and belongs to the caller."""

    name: str
    namespace: str
    uid: str
    attempt: int = 0
    hostname: str = ""
    log_directory: str = ""
    dns: DNSConfig | None = None
    port_mappings: tuple[PortMapping, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    namespaces: Namespaces = Namespaces()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    cgroup_parent: str = ""
    """The pod's group, relative to that of all pods: `burstable/podUID`."""
    resources: Resources = Resources()
    """Limits of the pod as a whole."""
    privileged: bool = False
    users: UserRange | None = None
    """The pod has users of its own; None gives it the host's."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox as the runtime sees it; `ips` is empty for one on the node's network."""

    id: str
    name: str
    namespace: str
    uid: str
    attempt: int
    state: SandboxState
    created_at: datetime
    ips: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    log_directory: str = ""
    """Where the agent that made it keeps its logs, if the runtime remembers."""
    handler: str = ""
