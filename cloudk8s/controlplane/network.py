"""The network of a cluster on this host: service proxy, in the API server's process."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from cloudk8s.client.informer import Informers
from cloudk8s.controlplane.api_server import RunningApiServer, service_ranges
from cloudk8s.machinery.clock import Clock
from cloudk8s.network.addresses import outgoing_address
from cloudk8s.network.proxy.assembly import ProxyOptions, RunningProxy, running_proxy
from cloudk8s.network.proxy.model import Family
from cloudk8s.settings import ClusterSettings

PROXY = "system:kube-proxy"


@asynccontextmanager
async def running_service_proxy(
    server: RunningApiServer, *, nodes: Sequence[str] = (), clock: Clock
) -> AsyncIterator[RunningProxy]:
    """Forward the cluster's Services on this host; `nodes` are those that live on it, by default its own name."""
    informers = Informers(server.client(PROXY), clock=clock)
    options = proxy_options(server.settings, nodes or [socket.gethostname().lower()])
    async with informers, running_proxy(informers, options, clock=clock) as proxy:
        yield proxy


def proxy_options(settings: ClusterSettings, nodes: Sequence[str]) -> ProxyOptions:
    """How the proxy of a cluster on this host is set up. Each cluster has a table of its own."""
    own = outgoing_address()
    return ProxyOptions(
        nodes=frozenset(nodes),
        node_addresses=tuple(address for address in (own, "127.0.0.1") if address),
        table="cloudk8s" if settings.name == "default" else f"cloudk8s-{settings.name}",
        families=_families(settings),
        pod_ranges=tuple(part.strip() for part in settings.cluster_cidr.split(",") if part.strip()),
        health_port=10256,
    )


def _families(settings: ClusterSettings) -> tuple[Family, ...]:
    return tuple("IPv6" if ":" in text else "IPv4" for text in service_ranges(settings))
