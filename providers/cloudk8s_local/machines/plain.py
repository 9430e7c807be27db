"""Machines without privileges: processes of this user with a loopback address each."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from cloudk8s_local.machines import processes, ranges
from cloudk8s_local.machines.interface import HostNetworkSpec, HostSpec

POOL = "127.210.0.0/16"


class PlainHosts:
    """Any user may listen on any address of 127.0.0.0/8; nothing has to be made, and nothing is apart."""

    has_endpoints = False

    def obstacles(self) -> Sequence[str]:
        return (
            "machines on this host need root: without it they share its address and ports, so that no two can be "
            "nodes; run this as root, or use `cloudk8s up`, which needs none",
        )

    def new_range(self, taken: Sequence[str], wanted: str) -> str:
        return ranges.choose(POOL, taken, ranges.UNSAID)

    def make_network(self, network: HostNetworkSpec) -> None: ...

    def has_network(self, network: HostNetworkSpec) -> bool:
        return True

    def remove_network(self, network: HostNetworkSpec) -> None: ...

    def open_endpoint(self, network: HostNetworkSpec, port: int, targets: Sequence[str]) -> None: ...

    def close_endpoint(self, network: HostNetworkSpec) -> None: ...

    def start(self, host: HostSpec) -> None:
        if host.directory is not None and not processes.main_process(host.directory):
            processes.spawn(host.directory, ["sh", str(host.directory / "user-data")])

    def is_running(self, host: HostSpec) -> bool:
        return host.directory is not None and bool(processes.main_process(host.directory))

    def stop(self, host: HostSpec) -> None:
        if host.directory is not None:
            processes.kill(host.directory)

    def remove(self, host: HostSpec) -> None:
        self.stop(host)
        if host.directory is not None:
            processes.purge(host.directory / "state")
            shutil.rmtree(host.directory, ignore_errors=True)
