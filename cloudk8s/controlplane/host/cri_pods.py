"""The pods that a stopped cluster has left to a CRI runtime, which is somebody else's: the runtime itself goes on."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cloudk8s.machinery.clock import SystemClock
from cloudk8s.node.runtimes.interface import RuntimeFailure

if TYPE_CHECKING:
    from cloudk8s.node.runtimes.cri.runtime import CriRuntime

_log = logging.getLogger(__name__)


async def end_cri_pods(directory: Path, grace: timedelta) -> None:
    """End the containers of a cluster; the next start begins them anew."""
    await _each(directory, lambda runtime: runtime.end(directory, grace))


async def purge_cri_pods(directory: Path) -> None:
    """End them and forget them, with the network that was made for them."""
    await _each(directory, lambda runtime: runtime.purge(directory))


async def _each(directory: Path, work: Callable[[CriRuntime], Awaitable[None]]) -> None:
    """Do it with those that the agents of a cluster's nodes have noted; where one does not answer, its pods stay."""
    for noted in sorted((directory / "nodes").glob("*/runtime/cri/endpoint")):
        endpoint = noted.read_text()
        try:
            async with _connected(endpoint) as runtime:
                await work(runtime)
        except RuntimeFailure as error:
            _log.warning("the pods at %s are left as they are: %s", endpoint, error)


@asynccontextmanager
async def _connected(endpoint: str) -> AsyncIterator[CriRuntime]:
    from cloudk8s.node.runtimes.cri.runtime import CriRuntime

    runtime = CriRuntime(endpoint, clock=SystemClock())
    try:
        await runtime.start()
        yield runtime
    finally:
        await runtime.close()
