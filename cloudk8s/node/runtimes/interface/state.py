"""What a runtime tells of itself and of what it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class RuntimeVersion:
    """What `kubectl get nodes -o wide` shows as `name://version`."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class RuntimeStatus:
    """Whether pods can run; `missing_isolation` names what this host or this user does not give."""

    ready: bool
    network_ready: bool
    message: str = ""
    missing_isolation: tuple[str, ...] = ()
    handlers: tuple[str, ...] = ()
    """Runtime handlers that a RuntimeClass may name; the default one is empty."""
    with_users: tuple[str, ...] = ()
    """Those that can give a pod users of its own."""
    with_recursive_readonly: tuple[str, ...] = ()
    """Those that make what is mounted below a volume read-only with it."""


@dataclass(frozen=True, slots=True)
class ContainerStats:
    """Use of resources; CPU is cumulative, the memory working set leaves out the inactive page cache."""

    id: str
    name: str
    labels: Mapping[str, str]
    time: datetime
    cpu_nanoseconds: int = 0
    memory_working_set: int = 0
    memory_usage: int = 0
    memory_rss: int = 0
    writable_layer_bytes: int = 0
    writable_layer_inodes: int = 0
    processes: int = 0


@dataclass(frozen=True, slots=True)
class NetworkStats:
    """Counters of one interface of a sandbox."""

    interface: str
    rx_bytes: int
    tx_bytes: int
    rx_errors: int = 0
    tx_errors: int = 0


@dataclass(frozen=True, slots=True)
class ContainerEvent:
    """Something happened to a container or sandbox; a hint to look, never the state itself."""

    pod_uid: str
    container_id: str
    type: Literal["created", "started", "stopped", "removed"]
