"""Settings become a host, and the host becomes contracts; all contracts of one cloud share one host."""

from __future__ import annotations

import threading
from ipaddress import IPv4Network, ip_network
from typing import Final

from cloudk8s.network.addresses import may_administer
from cloudk8s.plugin import Cloud, SettingsError
from cloudk8s_local.host.host import Host
from cloudk8s_local.host.kernel import HostKernel, Kernel, NoKernel
from cloudk8s_local.host.records import NodeRecord, RecordFile
from cloudk8s_local.instances import LocalInstances
from cloudk8s_local.load_balancers import LocalLoadBalancers
from cloudk8s_local.routes import LocalRoutes
from cloudk8s_local.settings import LocalSettings

_LOOPBACK: Final = IPv4Network("127.0.0.0/8")
_ASSEMBLING = threading.Lock()


def host_of(cloud: Cloud[LocalSettings]) -> Host:
    """The host of a configured cloud, made and started when it is first asked for."""
    settings = cloud.settings
    with _ASSEMBLING:
        if settings.host is None:
            settings.use(Host(settings.load_balancer_range, RecordFile(settings.state_file), _kernel(settings)))
        assert settings.host is not None
        settings.host.start([NodeRecord(name, (address,)) for name, address in settings.nodes.items()])
        return settings.host


def instances(cloud: Cloud[LocalSettings]) -> LocalInstances:
    return LocalInstances(host_of(cloud), cluster=cloud.cluster)


def routes(cloud: Cloud[LocalSettings]) -> LocalRoutes:
    return LocalRoutes(host_of(cloud), own_addresses=cloud.settings.own_addresses, has_kernel=may_administer())


def load_balancers(cloud: Cloud[LocalSettings]) -> LocalLoadBalancers:
    settings = cloud.settings
    is_shared = set(settings.nodes.values()) <= set(settings.own_addresses)
    return LocalLoadBalancers(host_of(cloud), health_port=settings.health_port, is_shared=is_shared)


def _kernel(settings: LocalSettings) -> Kernel:
    pool = settings.load_balancer_range
    if may_administer():
        return HostKernel(pool, route_ranges=settings.route_ranges)
    if not _is_loopback(pool):
        raise SettingsError(f"load_balancer_range {pool}: without root addresses must come from 127.0.0.0/8")
    return NoKernel()


def _is_loopback(pool: str) -> bool:
    network = ip_network(pool)
    return isinstance(network, IPv4Network) and network.subnet_of(_LOOPBACK)
