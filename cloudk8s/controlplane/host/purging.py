"""Take back what a stopped cluster has left on this host: containers, mounts and interfaces, with a purge files too.

`python -m cloudk8s.controlplane.host.purging DIRECTORY` purges one directory.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

from cloudk8s.controlplane.host.cri_pods import end_cri_pods, purge_cri_pods
from cloudk8s.controlplane.host.rootless import directory_of
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.network.rootless.host import RootlessError, RootlessHost
from cloudk8s.node.runtimes.host.runtime import HostRuntime
from cloudk8s.node.volumes.removal import remove_tree, unmount_below

_ANY_NETWORK = "198.19.0.0/24"


async def end_pods(directory: Path, grace: timedelta) -> None:
    """End the containers of a cluster's nodes, as a shutdown of the host would: the next start begins them anew."""
    await asyncio.gather(*(_end(path, grace) for path in _host_runtimes(directory)))
    await end_cri_pods(directory, grace)
    await asyncio.to_thread(RootlessHost(directory_of(directory), _ANY_NETWORK).remove)
    if os.geteuid() == 0:
        await asyncio.to_thread(unmount_below, directory / "nodes")


async def purge(directory: Path) -> None:
    """End the containers of a cluster's nodes, then delete its directory; what is mounted in it is only let go."""
    for path in _host_runtimes(directory):
        async with _running(path) as runtime:
            await runtime.purge()
    await purge_cri_pods(directory)
    await asyncio.to_thread(_remove_host, directory)
    await asyncio.to_thread(remove_tree, directory)


def _remove_host(directory: Path) -> None:
    """End the host within, after files there that belong to other users of it are gone."""
    host = RootlessHost(directory_of(directory), _ANY_NETWORK)
    if not host.directory.exists():
        return
    with suppress(RootlessError, OSError):
        host.ensure()
    pid = host.pid
    for node in directory.glob("nodes/*") if pid else ():
        if node != host.directory:
            command = host.command([sys.executable, "-m", "cloudk8s.node.volumes.removal", str(node)])
            subprocess.run(command, capture_output=True, check=False, timeout=120)
    host.remove()


async def _end(path: Path, grace: timedelta) -> None:
    async with _running(path) as runtime:
        await runtime.end(grace)


def _host_runtimes(directory: Path) -> list[Path]:
    """The state directories of the runtimes of a cluster's nodes."""
    return sorted((directory / "nodes").glob("*/runtime/host"))


@asynccontextmanager
async def _running(path: Path) -> AsyncIterator[HostRuntime]:
    runtime = HostRuntime(path, clock=SystemClock())
    await runtime.start()
    try:
        yield runtime
    finally:
        await runtime.close()


if __name__ == "__main__":
    asyncio.run(purge(Path(sys.argv[1]).absolute()))
