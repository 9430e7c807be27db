"""Service proxy and DNS server as clients of any API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from cloudk8s.client.informer import Informers
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.host.network import running_policies
from cloudk8s.controlplane.signals import until_stopped
from cloudk8s.errors import SettingsError
from cloudk8s.kernel.addresses import outgoing_address
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.network.dns.assembly import DnsOptions, running_dns
from cloudk8s.network.dns.publication import Publication, keep_published, publish
from cloudk8s.network.proxy.assembly import ProxyOptions, running_proxy
from cloudk8s.network.proxy.nftables.tracking import TrackingSettings, may_tune, tune

_CLOCK = SystemClock()


async def run_proxy(
    kubeconfig: Path | None, options: ProxyOptions, *, has_policies: bool, report: Callable[[str], None],
    tracking: TrackingSettings,
) -> None:  # fmt: skip
    """Forward Services on this host until SIGINT or SIGTERM, and enforce network policies if asked to.

    The kernel's tracking of connections is set once it forwards by nftables, which load what tracks.
    """
    async with AsyncExitStack() as stack:
        _, informers = await stack.enter_async_context(_connected(kubeconfig, "kube-proxy"))
        await stack.enter_async_context(informers)
        running = await stack.enter_async_context(running_proxy(informers, options, clock=_CLOCK))
        if has_policies:
            await stack.enter_async_context(running_policies(options, informers, clock=_CLOCK))
        await running.proxy.is_synced.wait()
        if running.mode == "nftables" and may_tune():
            await asyncio.to_thread(tune, tracking)
        report(f"Services are forwarded by {running.mode}")
        await until_stopped()


async def run_dns(
    kubeconfig: Path | None, options: DnsOptions, *, cluster_ip: str, report: Callable[[str], None]
) -> None:
    """Answer DNS queries until SIGINT or SIGTERM; with `cluster_ip` as Service `kube-dns` of that address."""
    async with AsyncExitStack() as stack:
        client, informers = await stack.enter_async_context(_connected(kubeconfig, "cloudk8s-dns"))
        await stack.enter_async_context(informers)
        server = await stack.enter_async_context(running_dns(informers, options, clock=_CLOCK))
        if cluster_ip:
            publication = Publication(cluster_ip, _reachable(options.address), server.port)
            await publish(client, publication)
            loop = keep_published(client, publication, clock=_CLOCK)
            await stack.enter_async_context(background(loop, names=("dns service",)))
        report(f"names of {options.domain} are answered at {server.address} port {server.port}")
        await until_stopped()


@asynccontextmanager
async def _connected(kubeconfig: Path | None, agent: str) -> AsyncIterator[tuple[NetworkClient, Informers]]:
    client = NetworkClient(load_connection(kubeconfig), settings=NetworkSettings(user_agent=agent), clock=_CLOCK)
    try:
        yield client, Informers(client, clock=_CLOCK)
    finally:
        await client.close()


def _reachable(address: str) -> str:
    found = outgoing_address() if address in ("0.0.0.0", "::") else address
    if not found or found.startswith("127."):
        raise SettingsError(f"pods cannot reach {found or address}: give the server an --address of this host")
    return found
