"""Take back everything that a stopped cluster has left on this host: containers, mounts, interfaces, files.

`python -m cloudk8s.controlplane.purging DIRECTORY` does it for one directory.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from cloudk8s.controlplane.rootless import directory_of
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.network.rootless.host import RootlessHost
from cloudk8s.node.runtimes.host.runtime import HostRuntime
from cloudk8s.node.volumes.removal import remove_tree


async def purge(directory: Path) -> None:
    """End the containers of a cluster's nodes, then delete its directory; what is mounted in it is only let go."""
    for runtime in sorted((directory / "nodes").glob("*/runtime/host")):
        await _purge_host_runtime(runtime)
    RootlessHost(directory_of(directory), "127.0.0.0/8").remove()
    await asyncio.to_thread(remove_tree, directory)


async def _purge_host_runtime(directory: Path) -> None:
    runtime = HostRuntime(directory, clock=SystemClock())
    await runtime.start()
    try:
        await runtime.purge()
    finally:
        await runtime.close()


if __name__ == "__main__":
    asyncio.run(purge(Path(sys.argv[1]).absolute()))
