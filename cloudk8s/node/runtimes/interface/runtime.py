"""The runtime as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from cloudk8s.node.runtimes.interface.container import Container, ContainerConfig
from cloudk8s.node.runtimes.interface.image import ImageService
from cloudk8s.node.runtimes.interface.sandbox import Resources, Sandbox, SandboxConfig
from cloudk8s.node.runtimes.interface.state import (
    ContainerEvent,
    ContainerStats,
    NetworkStats,
    RuntimeStatus,
    RuntimeVersion,
)
from cloudk8s.node.runtimes.interface.streams import ExecResult, Session, StreamOptions


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
        """Give a pod other limits as a whole; a limit of memory below what it uses waits for another call."""

    async def limit_pods(self, resources: Resources) -> bool:
        """Limit what all pods of the node use together; False where they are in no group, so that nothing can.

        Raises RuntimeFailure where they use more memory already; everything else holds then.
        """

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
        """Connect to a port on the sandbox's localhost; OSError, here or at the first read, where none listens."""

    async def container_stats(self) -> Sequence[ContainerStats]:
        """Use of resources of all running containers."""

    async def network_stats(self) -> Mapping[str, Sequence[NetworkStats]]:
        """Counters by sandbox id, for sandboxes with a network of their own."""

    def events(self) -> AsyncIterator[ContainerEvent]:
        """Changes from now on, for one consumer, without end. Losing one is possible: list from time to time."""
