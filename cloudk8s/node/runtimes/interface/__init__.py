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

from cloudk8s.node.runtimes.interface.container import (
    Container,
    ContainerConfig,
    ContainerState,
    Device,
    Mount,
    Propagation,
    Security,
)
from cloudk8s.node.runtimes.interface.errors import (
    CreateFailed,
    ImageMissing,
    ImagePullFailed,
    InvalidImageName,
    RegistryUnavailable,
    RuntimeFailure,
    StartFailed,
    UnknownId,
)
from cloudk8s.node.runtimes.interface.image import (
    Credentials,
    FilesystemUsage,
    Image,
    ImageService,
)
from cloudk8s.node.runtimes.interface.runtime import (
    Runtime,
)
from cloudk8s.node.runtimes.interface.sandbox import (
    DNSConfig,
    NamespaceMode,
    Namespaces,
    PortMapping,
    Resources,
    Sandbox,
    SandboxConfig,
    SandboxState,
    UserRange,
)
from cloudk8s.node.runtimes.interface.state import (
    ContainerEvent,
    ContainerStats,
    NetworkStats,
    RuntimeStatus,
    RuntimeVersion,
)
from cloudk8s.node.runtimes.interface.streams import (
    STDERR,
    STDIN,
    STDOUT,
    ExecResult,
    Session,
    StreamOptions,
)

__all__ = [
    "STDERR",
    "STDIN",
    "STDOUT",
    "Container",
    "ContainerConfig",
    "ContainerEvent",
    "ContainerState",
    "ContainerStats",
    "CreateFailed",
    "Credentials",
    "DNSConfig",
    "Device",
    "ExecResult",
    "FilesystemUsage",
    "Image",
    "ImageMissing",
    "ImagePullFailed",
    "ImageService",
    "InvalidImageName",
    "Mount",
    "NamespaceMode",
    "Namespaces",
    "NetworkStats",
    "PortMapping",
    "Propagation",
    "RegistryUnavailable",
    "Resources",
    "Runtime",
    "RuntimeFailure",
    "RuntimeStatus",
    "RuntimeVersion",
    "Sandbox",
    "SandboxConfig",
    "SandboxState",
    "Security",
    "Session",
    "StartFailed",
    "StreamOptions",
    "UnknownId",
    "UserRange",
]
