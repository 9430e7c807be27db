"""The load balancer of a control plane of several machines: a process of this host for each cluster.

It reads where to lead from a file, which is replaced when machines come or go, so that connections stay. The process
and its file are in `/run`, which a restart of this host empties as it empties the kernel's tables.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cloudk8s.errors import CloudError
from cloudk8s.network.hosts.network import HostNetwork
from cloudk8s_local.machines import processes

ROOT: Final = Path("/run/cloudk8s-local")
FILE: Final = "targets.json"
_READY: Final = "ready"
_SECONDS: Final = 20.0


def lead(network: HostNetwork, address: str, port: int, targets: Sequence[str]) -> None:
    """Lead there from now on; returns once the process listens."""
    directory = directory_of(network)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = directory / f"{FILE}.new"
    fresh.write_text(json.dumps({"address": address, "port": port, "targets": sorted(targets)}))
    fresh.replace(directory / FILE)
    if is_running(network):
        return
    (directory / _READY).unlink(missing_ok=True)
    processes.spawn(directory, [sys.executable, "-m", "cloudk8s_local.machines.balancing", str(directory)])
    deadline = time.monotonic() + _SECONDS
    while not (directory / _READY).exists():
        if not is_running(network) or time.monotonic() > deadline:
            said = (directory / "console.log").read_text(errors="replace").strip().splitlines()
            raise CloudError(f"the API's load balancer does not listen: {said[-1] if said else 'it says nothing'}")
        time.sleep(0.05)


def is_running(network: HostNetwork) -> bool:
    return bool(processes.main_process(directory_of(network)))


def stop(network: HostNetwork) -> None:
    """End it and leave nothing; absent is success."""
    directory = directory_of(network)
    if directory.exists():
        processes.kill(directory)
        shutil.rmtree(directory, ignore_errors=True)


def directory_of(network: HostNetwork) -> Path:
    """Where the process of a network finds its file."""
    return ROOT / network.table
