"""Machines as network namespaces, joined by a bridge of their cluster. Linux, as root."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from cloudk8s.errors import CloudError
from cloudk8s.network.hosts import enter
from cloudk8s.network.hosts.network import HostNetwork, HostNetworkError
from cloudk8s_local.machines import balancer, endpoint, processes, ranges
from cloudk8s_local.machines.interface import HostNetworkSpec, HostSpec
from cloudk8s_local.machines.routing_table import routed

_PATH = "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin"
POOL = "198.19.64.0/18"


class NamespaceHosts:
    """A machine has an address, interfaces, routes and tables of its own, and shares the host's files."""

    has_endpoints = True

    def obstacles(self) -> Sequence[str]:
        programs = (("ip", "iproute2"), ("nft", "nftables"))
        missing = [package for program, package in programs if shutil.which(program, path=_PATH) is None]
        return [f"machines on this host need {' and '.join(missing)}: install them"] if missing else []

    def new_range(self, taken: Sequence[str], wanted: str) -> str:
        return ranges.choose(POOL, [*taken, *routed()], wanted)

    def make_network(self, network: HostNetworkSpec) -> None:
        _calling(lambda: host_network(network).ensure())

    def has_network(self, network: HostNetworkSpec) -> bool:
        return Path("/sys/class/net", host_network(network).bridge).exists()

    def remove_network(self, network: HostNetworkSpec) -> None:
        self.close_endpoint(network)
        _calling(lambda: host_network(network).remove_all())

    def open_endpoint(self, network: HostNetworkSpec, port: int, targets: Sequence[str]) -> None:
        """One machine is reached through the kernel; several are looked after by a process of this host."""
        place = host_network(network)
        if len(targets) < 2:
            endpoint.open(place, network.endpoint, port, targets)
            balancer.stop(place)
        else:
            endpoint.open(place, network.endpoint, port, ())
            balancer.lead(place, network.endpoint, port, targets)

    def close_endpoint(self, network: HostNetworkSpec) -> None:
        balancer.stop(host_network(network))
        endpoint.close(host_network(network), network.endpoint)

    def start(self, host: HostSpec) -> None:
        network = host_network(host.network)
        _calling(lambda: network.add(host.id, host.address))
        if host.directory is not None and not processes.main_process(host.directory):
            script = str(host.directory / "user-data")
            processes.spawn(host.directory, enter.command(network.namespace(host.id), ["sh", script]), knows_host=True)

    def is_running(self, host: HostSpec) -> bool:
        return host.directory is not None and bool(processes.main_process(host.directory))

    def stop(self, host: HostSpec) -> None:
        _calling(lambda: host_network(host.network).remove(host.id))
        if host.directory is not None:
            processes.kill(host.directory)

    def remove(self, host: HostSpec) -> None:
        self.stop(host)
        if host.directory is not None:
            processes.purge(host.directory / "state")
            shutil.rmtree(host.directory, ignore_errors=True)


def host_network(network: HostNetworkSpec) -> HostNetwork:
    """The network as namespaces and a bridge."""
    return HostNetwork(network.id, network.range, network.inside)


def _calling(call: object) -> None:
    try:
        call()  # type: ignore[operator]
    except HostNetworkError as error:
        raise CloudError(str(error)) from error
