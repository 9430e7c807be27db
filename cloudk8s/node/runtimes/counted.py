"""A runtime whose calls are counted and timed, for `/metrics`; nothing else of it changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

from cloudk8s.machinery.clock import Clock
from cloudk8s.node.counts import AgentCounts
from cloudk8s.node.runtimes.interface import Runtime

_NAMES: Final[Mapping[str, str]] = {
    "version": "version", "status": "status", "update_pod_cidr": "update_runtime_config",
    "run_sandbox": "run_podsandbox", "stop_sandbox": "stop_podsandbox", "remove_sandbox": "remove_podsandbox",
    "list_sandboxes": "list_podsandbox", "create_container": "create_container", "start_container": "start_container",
    "stop_container": "stop_container", "remove_container": "remove_container", "list_containers": "list_containers",
    "container_status": "container_status", "update_resources": "update_container_resources",
    "reopen_log": "reopen_container_log", "exec_sync": "exec_sync", "exec": "exec", "attach": "attach",
    "port_forward": "port_forward", "container_stats": "list_container_stats", "list_images": "list_images",
    "image_status": "image_status", "pull_image": "pull_image", "remove_image": "remove_image",
    "image_filesystem": "image_fs_info",
}  # fmt: skip
"""Upstream's names of operations, by the contract's methods."""


def counted(runtime: Runtime, counts: AgentCounts, *, clock: Clock) -> Runtime:
    """The same runtime for all who use it."""
    return cast(Runtime, _Counted(runtime, counts, clock))


class _Counted:
    """Hands everything on."""

    def __init__(self, runtime: Runtime, counts: AgentCounts, clock: Clock) -> None:
        self._runtime = runtime
        for method, name in _NAMES.items():
            setattr(self, method, _timed(runtime, method, name, counts, clock))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)


def _timed(
    runtime: Runtime, method: str, name: str, counts: AgentCounts, clock: Clock
) -> Callable[..., Awaitable[Any]]:  # fmt: skip
    async def timed(*arguments: Any, **keywords: Any) -> Any:
        began, has_failed = clock.monotonic(), True
        try:
            answer = await getattr(runtime, method)(*arguments, **keywords)
            has_failed = False
            return answer
        finally:
            counts.operation(name, clock.monotonic() - began, has_failed=has_failed)

    return timed
