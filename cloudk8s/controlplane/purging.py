"""Take back everything that a stopped cluster has left on this host: containers, mounts, interfaces, files.

`python -m cloudk8s.controlplane.purging DIRECTORY` does it for one directory.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from cloudk8s.controlplane.rootless import directory_of
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.network.rootless.host import RootlessError, RootlessHost
from cloudk8s.node.runtimes.host.runtime import HostRuntime
from cloudk8s.node.volumes.removal import remove_tree

_ANY_NETWORK = "198.19.0.0/24"


async def purge(directory: Path) -> None:
    """End the containers of a cluster's nodes, then delete its directory; what is mounted in it is only let go."""
    for runtime in sorted((directory / "nodes").glob("*/runtime/host")):
        await _purge_host_runtime(runtime)
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


async def _purge_host_runtime(directory: Path) -> None:
    runtime = HostRuntime(directory, clock=SystemClock())
    await runtime.start()
    try:
        await runtime.purge()
    finally:
        await runtime.close()


if __name__ == "__main__":
    asyncio.run(purge(Path(sys.argv[1]).absolute()))
