"""The local cloud as the contract suite's world: real listeners on loopback, tables in memory."""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType

import pytest

from cloudk8s.network.proxy.userspace.doors import Frontend
from cloudk8s.plugin import Cloud, Instances, LoadBalancers, Machines, Networks, NodeAddress, NodeRef, Routes, Volumes
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.faults import Faults
from cloudk8s_local import assembly
from cloudk8s_local.account.account import Account
from cloudk8s_local.host.host import Host
from cloudk8s_local.host.kernel import Kernel
from cloudk8s_local.host.records import NodeRecord, RecordFile
from cloudk8s_local.ids import provider_id
from cloudk8s_local.machines import ranges
from cloudk8s_local.machines.interface import HostNetworkSpec, Hosts, HostSpec
from cloudk8s_local.settings import LocalSettings


class MemoryKernel:
    """Tables that behave like the kernel's."""

    def __init__(self) -> None:
        self._addresses: set[str] = set()
        self._routes: dict[str, str] = {}

    def addresses(self) -> Collection[str]:
        return tuple(self._addresses)

    def add_address(self, address: str) -> None:
        self._addresses.add(address)

    def remove_address(self, address: str) -> None:
        self._addresses.discard(address)

    def routes(self) -> Mapping[str, str]:
        return dict(self._routes)

    def set_route(self, destination: str, gateway: str) -> None:
        self._routes[destination] = gateway

    def remove_route(self, destination: str) -> None:
        self._routes.pop(destination, None)


class LocalWorld(World):
    """One host object; every contract of it is as fresh as after a restart of the controllers."""

    provider = "local"
    carries_traffic = True

    def __init__(
        self, *, pool: str = "127.201.0.0/24", kernel: Kernel | None = None, hosts: Hosts | None = None
    ) -> None:
        super().__init__()
        self.faults = Faults()
        self.host = Host(pool, RecordFile(None), kernel or MemoryKernel(), trace=self.faults)
        self.host.start()
        self.account = Account(None, hosts or MemoryHosts(), trace=self.faults)
        self._pool = pool

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.host.close()

    def instances(self) -> Instances:
        return assembly.instances(self._cloud())

    def routes(self) -> Routes:
        return assembly.routes(self._cloud())

    def load_balancers(self) -> LoadBalancers:
        if not _may_listen_below_1024():
            pytest.skip("needs root, or net.ipv4.ip_unprivileged_port_start of 80 or less")
        return assembly.load_balancers(self._cloud())

    def machines(self) -> Machines:
        return assembly.machines(self._cloud())

    def networks(self) -> Networks:
        return assembly.networks(self._cloud())

    def volumes(self) -> Volumes:
        return assembly.volumes(self._cloud())

    def start_instance(self, name: str) -> NodeRef:
        address = f"127.202.0.{len(self.host.records().nodes) + 1}"
        self.host.set_node(NodeRecord(name, (address,)))
        return NodeRef(name, f"uid-{name}", provider_id(self.cluster, name), (NodeAddress("InternalIP", address),))

    def stop_instance(self, node: NodeRef) -> None:
        self.host.set_node(NodeRecord(node.name, node.addresses_of("InternalIP"), is_running=False))

    def terminate_instance(self, node: NodeRef) -> None:
        self.host.remove_node(node.name)

    def mutations(self) -> int:
        return len(self.faults.mutations)

    def reads(self) -> int:
        return len(self.faults.reads)

    def left(self) -> Collection[str]:
        of_balancers = [item for item in self.host.everything() if not item.startswith("route/")]
        return [*of_balancers, *self.account.everything()]

    def crash_after(self, call: int) -> None:
        self.faults.crash_after = len(self.faults.mutations) + call if call else 0

    def lose_answers(self, share: float) -> None:
        self.faults.lost = share

    def throttle(self, share: float) -> None:
        self.faults.throttled = share

    def remove_part(self) -> str:
        uid = next(iter(self.host.records().balancers))
        frontend: Frontend = next(iter(self.host.listening(uid)))
        self.host.close_listener(uid, frontend)
        return str(frontend)

    def _cloud(self) -> Cloud[LocalSettings]:
        settings = LocalSettings(load_balancer_range=self._pool).use(self.host).use_account(self.account)
        return Cloud("local", "local", settings, self.cluster, self.clock)


def _may_listen_below_1024() -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.201.255.1", 80))
        except PermissionError:
            return False
        except OSError:
            return True
    return True


class MemoryHosts:
    """Networks and machines that behave like the kernel's."""

    has_endpoints = True

    def __init__(self) -> None:
        self.networks: set[str] = set()
        self.endpoints: dict[str, tuple[int, Sequence[str]]] = {}
        self.running: set[str] = set()

    def obstacles(self) -> Sequence[str]:
        return ()

    def new_range(self, taken: Sequence[str], wanted: str) -> str:
        return ranges.choose("198.19.64.0/18", taken, wanted)

    def make_network(self, network: HostNetworkSpec) -> None:
        self.networks.add(network.id)

    def has_network(self, network: HostNetworkSpec) -> bool:
        return network.id in self.networks

    def remove_network(self, network: HostNetworkSpec) -> None:
        self.networks.discard(network.id)

    def open_endpoint(self, network: HostNetworkSpec, port: int, targets: Sequence[str]) -> None:
        assert network.id in self.networks
        self.endpoints[network.id] = (port, targets)

    def close_endpoint(self, network: HostNetworkSpec) -> None:
        self.endpoints.pop(network.id, None)

    def start(self, host: HostSpec) -> None:
        assert host.network.id in self.networks
        self.running.add(host.id)

    def is_running(self, host: HostSpec) -> bool:
        return host.id in self.running

    def stop(self, host: HostSpec) -> None:
        self.running.discard(host.id)

    def remove(self, host: HostSpec) -> None:
        self.stop(host)
