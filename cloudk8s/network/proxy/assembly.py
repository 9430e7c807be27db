"""The proxy put together: which forwarder this host allows, health ports, loops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

from cloudk8s.client.informer import Informers
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import Clock
from cloudk8s.network.hosts.thread import HostThread
from cloudk8s.network.nftables.bridges import filter_bridged
from cloudk8s.network.nftables.command import Nft, NftError, find_nft
from cloudk8s.network.privileges import may_administer
from cloudk8s.network.proxy.health import Health, ServiceHealth
from cloudk8s.network.proxy.health_server import HealthServer, bind
from cloudk8s.network.proxy.interface import Forwarder
from cloudk8s.network.proxy.model import Family
from cloudk8s.network.proxy.nftables.conntrack import Conntrack, Entrance
from cloudk8s.network.proxy.nftables.forwarder import NftablesForwarder, NftablesSettings
from cloudk8s.network.proxy.proxy import Proxy, ProxySettings
from cloudk8s.network.proxy.userspace.forwarder import UserspaceForwarder, UserspaceSettings
from cloudk8s.network.proxy.userspace.sockets import ClientSockets, Sockets

Mode = Literal["", "nftables", "userspace"]
_HEALTH_PORTS = 50
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """Everything that can be said about a proxy."""

    nodes: frozenset[str]
    """Names of the nodes whose pods are local."""
    node_addresses: tuple[str, ...] = ("127.0.0.1",)
    """Where node ports and health checks are listened on."""
    mode: Mode = ""
    """How to forward; empty is nftables where this process may use it, else user space."""
    table: str = "cloudk8s"
    """Name of the nftables table."""
    families: tuple[Family, ...] = ("IPv4",)
    pod_ranges: tuple[str, ...] = ()
    health_port: int | None = 10256
    """Port of `/healthz`, or the first one after it that is free; 0 picks any, None serves none."""
    health_addresses: tuple[str, ...] = ("127.0.0.1",)
    sockets: Sockets | None = None
    """Makes sockets of the pods' network for the user-space proxy, where this process is not on it."""
    client_sockets: ClientSockets | None = None
    """The same with the address of a client, for `externalTrafficPolicy: Local`."""
    nft: Nft | None = None
    """The tables to write to, where they are not this process's own."""
    hides_pods: bool = False
    """Whether packets within a bridge pass by those tables; looked at where they are this process's own."""
    entrance: Entrance = list
    """Makes of a command one that runs where those tables are."""
    own_health: bool = True
    """Serve the health-check node ports of Services."""
    namespace: str = ""
    """The network namespace to forward in; empty is this process's own."""
    balances: bool = False
    """Traffic to load balancers arrives here first, and other nodes are behind."""


@dataclass(frozen=True, slots=True)
class RunningProxy:
    """A proxy that forwards what was known at its start."""

    proxy: Proxy
    mode: Mode
    health_port: int | None


@asynccontextmanager
async def running_proxy(informers: Informers, options: ProxyOptions, *, clock: Clock) -> AsyncIterator[RunningProxy]:
    """Forward while the block runs; everything that was made is gone after it. The informers run elsewhere."""
    host = HostThread(options.namespace)
    mode, forwarder = await host.run(lambda: _choose(options, host, clock))
    settings = ProxySettings(options.nodes, options.balances)
    async with AsyncExitStack() as stack:
        stack.callback(host.close)
        services = ServiceHealth(options.node_addresses, host, is_alive=lambda: health.is_alive)
        show = services.show if options.own_health else _ignore
        proxy = Proxy(informers, forwarder, settings, clock=clock, on_health=show)
        health = Health(
            informers, min(options.nodes, default=""), clock=clock, pending_since=lambda: proxy.pending_since
        )
        await stack.enter_async_context(services)
        port = await _serve_health(stack, health, host, options)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        task = group.create_task(proxy.run(), name="service proxy")
        stack.callback(task.cancel)
        yield RunningProxy(proxy, mode, port)


async def _serve_health(
    stack: AsyncExitStack, health: Health, host: HostThread, options: ProxyOptions
) -> int | None:  # fmt: skip
    """Serve health on the first port that is free; that none is costs the health check, not the proxy."""
    first = options.health_port
    for port in () if first is None else range(first, first + _HEALTH_PORTS):
        try:
            sockets = await host.run(partial(bind, options.health_addresses, port))
        except OSError as error:
            _log.info("the proxy's health is not served on port %d: %s", port, error)
            continue
        await stack.enter_async_context(HealthServer(health.answer, sockets))
        return int(sockets[0].getsockname()[1])
    return None


def _ignore(checks: object) -> None:
    """Another proxy of the node tells."""


def _choose(options: ProxyOptions, host: HostThread, clock: Clock) -> tuple[Mode, Forwarder]:
    nft = (options.nft or find_nft()) if options.mode != "userspace" else None
    if nft is not None and _may(nft, options):
        hides_pods = options.hides_pods if options.nft else not filter_bridged()
        settings = NftablesSettings(options.table, options.families, options.pod_ranges, hides_pods)
        conntrack = Conntrack.find(entrance=options.entrance)
        return "nftables", NftablesForwarder(nft, settings, host=host, conntrack=conntrack)
    if options.mode == "nftables":
        raise SettingsError(
            "nftables cannot be used here: it needs root and the nft command; try --proxy-mode userspace"
        )
    listening = UserspaceSettings(options.node_addresses)
    return "userspace", UserspaceForwarder(
        listening, clock=clock, sockets=options.sockets, client_sockets=options.client_sockets
    )


def _may(nft: Nft, options: ProxyOptions) -> bool:
    """Whether this process may make tables, found out by making one with a hook of each kind."""
    if options.nft is None and not may_administer():
        return False
    table = f"ip {options.table}-probe"
    lines = [
        f"add table {table}",
        f"add chain {table} nat {{ type nat hook output priority 0; }}",
        f"add rule {table} nat fib daddr type local dnat to numgen random mod 1 map {{ 0 : 127.0.0.1 }}",
        f"delete table {table}",
    ]
    try:
        nft.run("\n".join(lines) + "\n")
    except NftError as error:
        _log.info("nftables is not available: %s", error)
        return False
    return True
