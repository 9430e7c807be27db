"""Settings become a host, and the host becomes contracts; all contracts of one cloud share one host."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Final

from cloudk8s.network.privileges import may_administer
from cloudk8s.plugin import Cloud, SettingsError
from cloudk8s_local.account.account import Account
from cloudk8s_local.host.host import Host
from cloudk8s_local.host.kernel import HostKernel, Kernel, NoKernel
from cloudk8s_local.host.records import NodeRecord, RecordFile
from cloudk8s_local.instances import LocalInstances
from cloudk8s_local.load_balancers import LocalLoadBalancers
from cloudk8s_local.machine_orders import LocalMachines
from cloudk8s_local.machines.interface import Hosts
from cloudk8s_local.machines.mesh import MeshKernel
from cloudk8s_local.machines.namespaces import NamespaceHosts
from cloudk8s_local.machines.plain import PlainHosts
from cloudk8s_local.network_orders import LocalNetworks
from cloudk8s_local.routes import LocalRoutes
from cloudk8s_local.settings import LocalSettings
from cloudk8s_local.volumes import LocalVolumes

_LOOPBACK: Final = IPv4Network("127.0.0.0/8")
_ASSEMBLING = threading.Lock()


def host_of(cloud: Cloud[LocalSettings]) -> Host:
    """The host of a configured cloud, made and started when it is first asked for."""
    settings = cloud.settings
    with _ASSEMBLING:
        if settings.host is None:
            file = RecordFile(settings.state_file)
            machines = _machine_nodes(cloud) if settings.directory else tuple
            settings.use(Host(settings.load_balancer_range, file, _kernel(cloud), machines=machines))
        assert settings.host is not None
        settings.host.start([NodeRecord(name, tuple(text.split(","))) for name, text in settings.nodes.items()])
        return settings.host


def account_of(cloud: Cloud[LocalSettings]) -> Account:
    """The account of a configured cloud."""
    settings = cloud.settings
    with _ASSEMBLING:
        return _account(settings)


def machines(cloud: Cloud[LocalSettings]) -> LocalMachines:
    return LocalMachines(account_of(cloud))


def networks(cloud: Cloud[LocalSettings]) -> LocalNetworks:
    return LocalNetworks(account_of(cloud))


def volumes(cloud: Cloud[LocalSettings]) -> LocalVolumes:
    return LocalVolumes(account_of(cloud))


def instances(cloud: Cloud[LocalSettings]) -> LocalInstances:
    return LocalInstances(host_of(cloud), cluster=cloud.cluster)


def routes(cloud: Cloud[LocalSettings]) -> LocalRoutes:
    return LocalRoutes(host_of(cloud), own_addresses=cloud.settings.own_addresses, has_kernel=may_administer())


def load_balancers(cloud: Cloud[LocalSettings]) -> LocalLoadBalancers:
    settings = cloud.settings
    is_shared = settings.directory is None
    return LocalLoadBalancers(host_of(cloud), health_port=settings.health_port, is_shared=is_shared)


def _account(settings: LocalSettings) -> Account:
    if settings.account is None:
        hosts: Hosts = NamespaceHosts() if may_administer() else PlainHosts()
        settings.use_account(Account((settings.directory or _default_directory()).absolute(), hosts))
    assert settings.account is not None
    return settings.account


def _default_directory() -> Path:
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "cloudk8s-machines"


def _machine_nodes(cloud: Cloud[LocalSettings]) -> Callable[[], Sequence[NodeRecord]]:
    orders = LocalMachines(_account(cloud.settings))
    return lambda: [
        NodeRecord(machine.name, (machine.addresses[0].address,), machine.state == "running")
        for machine in orders.list_owned(cloud.cluster)
    ]


def _kernel(cloud: Cloud[LocalSettings]) -> Kernel:
    settings = cloud.settings
    pool = settings.load_balancer_range
    if may_administer() and settings.directory:
        return MeshKernel(pool, _account(settings), cloud.cluster, route_ranges=settings.route_ranges)
    if may_administer():
        return HostKernel(pool, route_ranges=settings.route_ranges)
    if not _is_loopback(pool):
        raise SettingsError(f"load_balancer_range {pool}: without root addresses must come from 127.0.0.0/8")
    return NoKernel()


def _is_loopback(pool: str) -> bool:
    networks = [ip_network(text.strip()) for text in pool.split(",")]
    return all(isinstance(network, IPv4Network) and network.subnet_of(_LOOPBACK) for network in networks)
