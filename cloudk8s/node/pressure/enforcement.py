"""What all pods of a node may use together, enforced by the kernel, so that the host keeps what is reserved for it.

It is the machine without what is reserved. What stays free for evictions pods may use: evictions come before the
kernel kills. https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/#enforcing-node-allocatable
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from cloudk8s.client.events import EventKind
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.containers.resources import huge_page_limits, shares
from cloudk8s.node.machine import capacity
from cloudk8s.node.pressure.signals import processes
from cloudk8s.node.runtimes.interface import Resources, Runtime, RuntimeFailure
from cloudk8s.node.settings import NodeSettings

_AGAIN: Final = 60.0


class Enforcement:
    """Limits the group of all pods once; where they use more memory already, evictions have to come first."""

    def __init__(
        self, settings: NodeSettings, runtime: Runtime, *, clock: Clock,
        announce: Callable[[EventKind, str, str], None],
    ) -> None:  # fmt: skip
        self._settings, self._runtime, self._clock, self._announce = settings, runtime, clock, announce

    async def run(self) -> None:
        """Until the limits hold."""
        wanted = await asyncio.to_thread(self._wanted)
        while True:
            try:
                if await self._runtime.limit_pods(wanted):
                    message = "Updated Node Allocatable limit across pods"
                    self._announce("Normal", "NodeAllocatableEnforced", message)
                return
            except RuntimeFailure as error:
                note = f"Failed to update Node Allocatable Limits: {error}"
                self._announce("Warning", "FailedNodeAllocatableEnforcement", note)
            await self._clock.sleep(_AGAIN)

    def _wanted(self) -> Resources:
        """Blocks for as long as /proc takes."""
        settings = self._settings
        machine = capacity.look(settings.root_dir)
        whole = {**capacity.capacity(machine, max_pods=settings.max_pods), "pid": str(processes()[1])}
        return limits(whole, settings.system_reserved if "pods" in settings.enforce_node_allocatable else {})


def limits(whole: Mapping[str, str], reserved: Mapping[str, str]) -> Resources:
    """For a machine that has these amounts, process ids (`pid`) among them. Pure."""
    left = capacity.unreserved(whole, reserved)
    return Resources(
        cpu_shares=shares(left["cpu"].milli_value),
        memory_limit=left["memory"].value,
        pids_limit=left["pid"].value,
        huge_pages=huge_page_limits({name: str(amount) for name, amount in left.items()}),
    )
