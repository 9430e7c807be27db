"""The DNS server put together."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cloudk8s.client.informer import Informers
from cloudk8s.machinery.clock import Clock
from cloudk8s.network.dns.directory import Directory
from cloudk8s.network.dns.resolver import Resolver
from cloudk8s.network.dns.server import Admission, DnsServer
from cloudk8s.network.dns.upstream import Server, Upstream, read_resolv_conf


@dataclass(frozen=True, slots=True)
class DnsOptions:
    """Everything that can be said about a DNS server."""

    address: str
    """Where to listen."""
    port: int = 53
    """Which port, for datagrams and streams; 0 picks a free one."""
    domain: str = "cluster.local"
    resolv_conf: Path = Path("/etc/resolv.conf")
    """Who is asked about names outside the cluster."""
    upstream: tuple[str, ...] | None = None
    """Who is asked instead; empty is nobody."""
    sockets: Callable[[str, int], tuple[socket.socket, socket.socket]] | None = None
    """Makes the stream and the datagram socket; None makes them here."""
    clients: tuple[str, ...] = ()
    """Networks that may ask; empty is everybody."""


@asynccontextmanager
async def running_dns(informers: Informers, options: DnsOptions, *, clock: Clock) -> AsyncIterator[DnsServer]:
    """Answer while the block runs; it begins once the cluster is known. The informers run elsewhere."""
    directory = Directory(informers)
    await directory.synced()
    servers = await asyncio.to_thread(_upstream, options)
    resolver = Resolver(directory, Upstream(servers, clock=clock), domain=options.domain)
    server = DnsServer(
        resolver, address=options.address, port=options.port, admission=Admission(options.clients),
        sockets=options.sockets,
    )  # fmt: skip
    try:
        async with server:
            yield server
    finally:
        resolver.close()


def _upstream(options: DnsOptions) -> list[Server]:
    if options.upstream is not None:
        return [Server(address) for address in options.upstream]
    return read_resolv_conf(options.resolv_conf, without=lambda address: address == options.address)
