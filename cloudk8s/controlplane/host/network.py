"""The network of a cluster on this host, in the API server's process: the way to the API, service proxy, DNS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address

from cloudk8s.client.informer import Informers
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.host.node_names import node_name
from cloudk8s.controlplane.host.places import Place
from cloudk8s.controlplane.host.ranges import pod_ranges, service_ranges
from cloudk8s.controlplane.host.rootless import dns_sockets
from cloudk8s.kernel.addresses import outgoing_address
from cloudk8s.machinery.clock import Clock
from cloudk8s.network.dns.assembly import DnsOptions, running_dns
from cloudk8s.network.dns.publication import Publication, cluster_ip_of, keep_published, publish
from cloudk8s.network.dns.server import DnsServer
from cloudk8s.network.nftables.command import find_nft
from cloudk8s.network.policy.enforcer import PolicyEnforcer, PolicySettings
from cloudk8s.network.privileges import may_administer
from cloudk8s.network.proxy.assembly import ProxyOptions, RunningProxy, running_proxy
from cloudk8s.network.proxy.model import Backend, Family
from cloudk8s.network.proxy.userspace.choice import Chooser
from cloudk8s.network.proxy.userspace.doors import Door
from cloudk8s.network.proxy.userspace.tcp import TcpListener
from cloudk8s.network.rootless.host import RootlessHost, RootlessNft
from cloudk8s.network.rootless.host_ports import Here, HostPorts
from cloudk8s.network.rootless.listening import listening
from cloudk8s.settings import ClusterSettings

DNS = "system:cloudk8s-dns"
_log = logging.getLogger(__name__)


@asynccontextmanager
async def running_service_proxy(
    server: RunningApiServer, informers: Informers, places: Sequence[Place], *, clock: Clock, balances: bool = False
) -> AsyncIterator[RunningProxy]:
    """Forward the cluster's Services on the one host that these places are on, and enforce its network policies.

    `balances` says that nodes of other hosts are behind this one.
    """
    options = replace(proxy_options(server.settings, places), balances=balances)
    if within := next((place.within for place in places if place.within), None):
        filters_bridged = await asyncio.to_thread(within.filters_bridged)
        inside = replace(
            options,
            hides_pods=not filters_bridged,
            mode="nftables",
            nft=RootlessNft(within),
            entrance=within.command,
            health_port=None,
            own_health=False,
        )
        async with running_proxy(informers, inside, clock=clock), running_policies(inside, informers, clock=clock):
            outside = replace(options, mode="userspace", sockets=within.socket, client_sockets=within.client_socket)
            here = Here(options.nodes, options.node_addresses)
            ports = HostPorts(
                informers, here, within.socket, lambda: listening(within.pid), clock=clock,
                client_sockets=within.client_socket,
            )  # fmt: skip
            async with (
                running_proxy(informers, outside, clock=clock) as proxy,
                background(ports.run(), names=("host ports",)),
            ):
                yield proxy
        return
    async with (
        running_proxy(informers, options, clock=clock) as proxy,
        running_policies(options, informers, clock=clock),
    ):
        yield proxy


@asynccontextmanager
async def running_relay(server: RunningApiServer, *, clock: Clock) -> AsyncIterator[None]:
    """Let pods reach an API server that listens on loopback, where it is advertised: at the host's own address.

    Only this host and its pods get through, so that `--bind 127.0.0.1` keeps its meaning.
    """
    own = outgoing_address()
    if not own or not ip_address(server.settings.bind).is_loopback:
        yield
        return
    door = relay_door(server.settings, own, server.port)
    listener = TcpListener(Chooser(door, clock=clock, is_own=lambda address: False))
    try:
        await listener.open(own, server.port)
    except OSError as error:
        _log.warning("pods cannot reach the API server at %s port %d: %s", own, server.port, error)
    try:
        yield
    finally:
        await listener.close()


@asynccontextmanager
async def running_policies(options: ProxyOptions, informers: Informers, *, clock: Clock) -> AsyncIterator[None]:
    """Enforce network policies for the pods of the proxy's nodes, where this process may."""
    nft = options.nft or (await asyncio.to_thread(find_nft) if may_administer() else None)
    if nft is None:
        _log.info("network policies are not enforced: this needs root and nftables")
        yield
        return
    settings = PolicySettings(options.nodes, policy_table(options), options.families, options.namespace)
    enforcer = PolicyEnforcer(informers, nft, settings, clock=clock)
    async with background(enforcer.run(), names=("network policies",)):
        yield


def policy_table(options: ProxyOptions) -> str:
    """The policies' table beside the proxy's."""
    return f"{options.table}-policy"


def relay_door(settings: ClusterSettings, own: str, port: int) -> Door:
    """The way to the API server on loopback, for this host and its pods."""
    target = (Backend(settings.bind, port),)
    return Door(target, target, source_ranges=(*_insiders(settings), f"{own}/32"))


@asynccontextmanager
async def running_dns_server(
    server: RunningApiServer, informers: Informers, *, clock: Clock, within: RootlessHost | None = None
) -> AsyncIterator[DnsServer]:
    """Serve the cluster's names at the host's address, for this host and its pods, as Service `kube-dns`."""
    settings, own = server.settings, within.gateway if within else outgoing_address()
    client = server.client(DNS, "system:masters")
    options = DnsOptions(
        address=own or "127.0.0.1",
        port=0,
        domain=settings.cluster_domain,
        sockets=dns_sockets(within) if within else None,
        clients=(*_insiders(settings), *(f"{ip}/32" for ip in (own,) if ip)),
    )
    async with running_dns(informers, options, clock=clock) as dns:
        if not own:
            yield dns
            return
        publication = Publication(cluster_ip_of(service_ranges(settings)[0]), own, dns.port)
        await publish(client, publication)
        async with background(keep_published(client, publication, clock=clock), names=("dns service",)):
            yield dns


def proxy_options(settings: ClusterSettings, places: Sequence[Place]) -> ProxyOptions:
    """How the proxy of one host is set up; without a node there, of this host. Each cluster has tables of its own."""
    here = places[0] if places else Place(node_name(0), outgoing_address())
    own = tuple(address for address in (*here.addresses, "127.0.0.1") if address)
    return ProxyOptions(
        nodes=frozenset(place.node for place in places) or frozenset([here.node]),
        node_addresses=own,
        table="cloudk8s" if settings.name == "default" else f"cloudk8s-{settings.name}",
        families=_families(settings),
        pod_ranges=pod_ranges(settings),
        health_addresses=own,
        namespace=here.namespace,
    )


def _insiders(settings: ClusterSettings) -> tuple[str, ...]:
    """Who belongs to the cluster: pods, the hosts of nodes, this host."""
    return (*pod_ranges(settings), settings.host_range, "127.0.0.0/8")


def _families(settings: ClusterSettings) -> tuple[Family, ...]:
    return tuple("IPv6" if ":" in text else "IPv4" for text in service_ranges(settings))
