"""Containers: how they are described, and how the runtime sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cloudk8s.node.runtimes.interface.sandbox import Namespaces, Resources

ContainerState = Literal["created", "running", "exited", "unknown"]
Propagation = Literal["private", "host_to_container", "bidirectional"]


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or directory of the host that a container sees at `container_path`.

    Where `image` is set, the source is that image's file system, read-only, and `host_path` a path inside it. Where
    `below` is set, it is a directory that `host_path` is in, and that others write to meanwhile: no link is to be
    followed on the way from there.
    """

    container_path: str
    host_path: str = ""
    readonly: bool = False
    recursive_readonly: bool = False
    propagation: Propagation = "private"
    image: str = ""
    below: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A device node of the host."""

    host_path: str
    container_path: str
    permissions: str = "rwm"


@dataclass(frozen=True, slots=True)
class Security:
    """What a container's process may do; None leaves the choice to the image."""

    privileged: bool = False
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_username: str = ""
    supplemental_groups: tuple[int, ...] = ()
    strict_groups: bool = False
    """Leave out the groups that the image's /etc/group gives the user."""
    capabilities_add: tuple[str, ...] = ()
    capabilities_drop: tuple[str, ...] = ()
    readonly_root: bool = False
    no_new_privileges: bool = False
    unmasked_proc: bool = False
    seccomp: str = "Unconfined"
    """`RuntimeDefault`, `Unconfined` or the path of a profile."""
    apparmor: str = ""
    """`RuntimeDefault`, `Unconfined` or `localhost/PROFILE`; empty leaves it to the runtime."""


@dataclass(frozen=True, slots=True)
class ContainerConfig:
    """The description of a container. Empty `command` and `args` leave the image's entrypoint and command."""

    name: str
    image: str
    """An image id or reference that `image_status` knows."""
    user_image: str = ""
    """The reference as the user wrote it."""
    attempt: int = 0
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    env: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    devices: tuple[Device, ...] = ()
    cdi_devices: tuple[str, ...] = ()
    """Devices by name, as in `vendor.com/gpu=0`; files of the host say what they are."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    log_path: str = ""
    """Relative to the sandbox's log directory."""
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    stop_signal: str = ""
    """Empty is the image's, or else SIGTERM."""
    namespaces: Namespaces = field(default_factory=Namespaces)
    resources: Resources = field(default_factory=Resources)
    security: Security = Security()


@dataclass(frozen=True, slots=True)
class Container:
    """A container as the runtime sees it."""

    id: str
    sandbox_id: str
    name: str
    attempt: int
    state: ContainerState
    image: str
    """The reference it was created from, as the user wrote it."""
    image_id: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int = 0
    reason: str = ""
    """`Completed`, `Error`, `OOMKilled`, `StartError`; empty while it runs."""
    message: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    log_path: str = ""
    """Absolute."""
    resources: Resources | None = None
    user: tuple[int, int, tuple[int, ...]] | None = None
    """User, group and supplemental groups of the first process, where known."""
    stop_signal: str = ""
