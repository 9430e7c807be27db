"""The contract of a container runtime, modelled on CRI (`runtime.v1`).

A sandbox is what the containers of one pod share; containers are created in it, started, stopped and removed.
Identifiers are the runtime's own. Everything a caller needs after a restart of its own travels in labels and
annotations, which the runtime keeps as they are. Errors are `RuntimeFailure` and its subclasses:

    RuntimeFailure              try again later
    ├── UnknownId               no such sandbox or container; for stop and remove that is success
    ├── CreateFailed            the container's description cannot work on this runtime
    ├── StartFailed             the process could not be started; the container has exited with code 128
    ├── ImageMissing            the image is not on this host
    ├── ImagePullFailed         the registry's answer, or what came from it, is not usable
    ├── RegistryUnavailable     the registry cannot be reached
    └── InvalidImageName        the reference cannot be read
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from cloudk8s.errors import CloudK8sError

NamespaceMode = Literal["pod", "container", "node", "target"]
SandboxState = Literal["ready", "notready"]
ContainerState = Literal["created", "running", "exited", "unknown"]
Propagation = Literal["private", "host_to_container", "bidirectional"]

STDIN, STDOUT, STDERR = 0, 1, 2


class RuntimeFailure(CloudK8sError):
    """The runtime could not do what was asked; trying again may help."""


class UnknownId(RuntimeFailure):
    """No sandbox or container has this id."""


class CreateFailed(RuntimeFailure):
    """The container's description cannot work on this runtime."""


class StartFailed(RuntimeFailure):
    """The process could not be started."""


class ImageMissing(RuntimeFailure):
    """The image is not on this host."""


class ImagePullFailed(RuntimeFailure):
    """What the registry answered cannot be used."""


class RegistryUnavailable(RuntimeFailure):
    """The registry cannot be reached."""


class InvalidImageName(RuntimeFailure):
    """The image reference cannot be read."""


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
    handler: str = ""


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or directory of the host that a container sees at `container_path`.

    Where `image` is set, the source is that image's file system, read-only, and `host_path` a path inside it.
    """

    container_path: str
    host_path: str = ""
    readonly: bool = False
    recursive_readonly: bool = False
    propagation: Propagation = "private"
    image: str = ""


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
    namespaces: Namespaces = Namespaces()
    resources: Resources = Resources()
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


@dataclass(frozen=True, slots=True)
class Image:
    """An image on this host. `id` is the digest of its configuration."""

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """Repository digests, `name@sha256:…`."""
    size: int = 0
    user: str = ""
    """User of the image's configuration, numeric or a name; empty is root."""
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in to a registry; all empty is anonymous."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""


@dataclass(frozen=True, slots=True)
class FilesystemUsage:
    """Use of one file system at one time."""

    mountpoint: str
    used_bytes: int
    inodes_used: int = 0


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


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command printed and how it ended."""

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Which streams an exec or attach wants; with a tty, stderr comes on stdout."""

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    tty: bool = False


class Session(Protocol):
    """The streams of an exec or attach. The caller closes it; closing does not end an attached container."""

    async def read(self) -> tuple[int, bytes] | None:
        """The next piece of output as (STDOUT or STDERR, bytes); None once all output has ended."""

    async def write(self, data: bytes) -> None:
        """Send to stdin, waiting while the process does not read; data after its end is dropped."""

    async def close_stdin(self) -> None:
        """End stdin. Idempotent."""

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size; without a tty nothing happens."""

    async def wait(self) -> int:
        """The exit code, once output has ended; 0 for an attach."""

    async def close(self) -> None:
        """Release the streams. Idempotent."""


class ImageService(Protocol):
    """The images of this host."""

    async def list_images(self) -> Sequence[Image]:
        """All images."""

    async def image_status(self, reference: str) -> Image | None:
        """The image of a reference or id; None where it is absent."""

    async def pull_image(self, reference: str, credentials: Credentials | None = None) -> str:
        """Fetch an image and return its id; a complete image is not fetched twice."""

    async def remove_image(self, reference: str) -> None:
        """Forget an image; absent is success. Running containers keep what they need."""

    async def image_filesystem(self) -> FilesystemUsage:
        """How much room images take."""


class Runtime(ImageService, Protocol):
    """A container runtime. Calls are safe to repeat and may be made from any task of one event loop."""

    async def start(self) -> None:
        """Connect, take over what an earlier process left running, begin to report events."""

    async def close(self) -> None:
        """Let go of everything but what runs: containers go on."""

    async def version(self) -> RuntimeVersion:
        """Name and version."""

    async def status(self) -> RuntimeStatus:
        """Readiness, and what isolation is missing."""

    async def update_pod_cidr(self, cidrs: Sequence[str]) -> None:
        """Tell the ranges that sandbox addresses come from, once the node has them."""

    async def run_sandbox(self, config: SandboxConfig, *, handler: str = "") -> str:
        """Make a sandbox, ready to hold containers, and return its id."""

    async def stop_sandbox(self, sandbox_id: str) -> None:
        """Kill its containers and give its network back. Idempotent; unknown is success."""

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Stop and forget it with its containers. Idempotent; unknown is success."""

    async def list_sandboxes(self, *, pod_uid: str = "") -> Sequence[Sandbox]:
        """All sandboxes, or those of one pod, whatever their state."""

    async def create_container(self, sandbox_id: str, config: ContainerConfig) -> str:
        """Prepare a container without starting it, and return its id."""

    async def start_container(self, container_id: str) -> None:
        """Start it; StartFailed leaves it exited with code 128 and reason `StartError`."""

    async def stop_container(self, container_id: str, grace: timedelta) -> None:
        """Send the stop signal, wait up to `grace` for the end, then kill. Unknown and exited are success."""

    async def remove_container(self, container_id: str) -> None:
        """Kill and forget it; its log stays. Unknown is success."""

    async def list_containers(self, *, pod_uid: str = "") -> Sequence[Container]:
        """All containers, or those of one pod, whatever their state.

        A container belongs to the pod that its sandbox was made for.
        """

    async def container_status(self, container_id: str) -> Container:
        """One container; raises UnknownId."""

    async def update_sandbox(self, sandbox_id: str, resources: Resources) -> None:
        """Give a pod other limits as a whole."""

    async def update_resources(self, container_id: str, resources: Resources) -> None:
        """Change the limits of a running container."""

    async def reopen_log(self, container_id: str) -> None:
        """Open the log file anew after it was renamed."""

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: timedelta | None) -> ExecResult:
        """Run a command to its end; TimeoutError after `timeout`, when the command has been killed."""

    async def exec(self, container_id: str, command: Sequence[str], options: StreamOptions) -> Session:
        """Run a command with streams; StartFailed where it cannot be executed."""

    async def attach(self, container_id: str, options: StreamOptions) -> Session:
        """Join the streams of a running container's first process."""

    async def port_forward(self, sandbox_id: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a port on the sandbox's localhost; OSError where nothing listens."""

    async def container_stats(self) -> Sequence[ContainerStats]:
        """Use of resources of all running containers."""

    async def network_stats(self) -> Mapping[str, Sequence[NetworkStats]]:
        """Counters by sandbox id, for sandboxes with a network of their own."""

    def events(self) -> AsyncIterator[ContainerEvent]:
        """Changes from now on, for one consumer, without end. Losing one is possible: list from time to time."""
