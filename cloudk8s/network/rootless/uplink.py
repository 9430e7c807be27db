"""Carry what leaves such a host: each TCP connection is made again from here, to where it was meant to go."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any

from cloudk8s.machinery.clock import Clock
from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.proxy.userspace.choice import Chooser
from cloudk8s.network.proxy.userspace.doors import Door
from cloudk8s.network.proxy.userspace.tcp import TcpListener
from cloudk8s.network.rootless.host import RootlessHost

_SO_ORIGINAL_DST = 80
_log = logging.getLogger(__name__)


@asynccontextmanager
async def running_uplink(host: RootlessHost, *, clock: Clock) -> AsyncIterator[Uplink]:
    """Carry connections while the block runs."""
    listener = await asyncio.to_thread(partial(host.socket, "tcp", "exit", bind=("0.0.0.0", 0)))
    rules = "".join(f"{line}\n" for line in exit_rules(listener.getsockname()[1], 0))
    await asyncio.to_thread(host.nft, "exit", rules)
    relay = Uplink(host, clock=clock)
    await relay.open_socket(listener)
    try:
        yield relay
    finally:
        await relay.close()


def exit_rules(tcp_port: int, dns_port: int) -> list[str]:
    """What happens to packets that leave: TCP to the relay, questions about names to the DNS server. Pure."""
    table = "ip cloudk8s-exit"
    lines = [f"add table {table}", f"add chain {table} prerouting {{ type nat hook prerouting priority -100; }}"]
    if tcp_port:
        lines.append(f"add rule {table} prerouting meta l4proto tcp redirect to :{tcp_port}")
        return [f"add table {table}", f"delete table {table}", *lines]
    return [*lines, f"insert rule {table} prerouting udp dport 53 redirect to :{dns_port}",
            f"insert rule {table} prerouting tcp dport {dns_port} accept"]  # fmt: skip


class Uplink(TcpListener):
    """A relay whose backend is where each client wanted to go.

    What listens on this host's loopback is not for pods, but for Services and what `offer` names.
    """

    def __init__(self, host: RootlessHost, *, clock: Clock) -> None:
        nowhere: tuple[Backend, ...] = ()
        super().__init__(Chooser(Door(nowhere, nowhere), clock=clock, is_own=lambda address: False))
        self._gateway = host.gateway
        self._loopback = [ip_network(text) for text in host.ranges]
        self._offered: dict[int, str] = {}

    def offer(self, port: int, address: str) -> None:
        """Lead a port of the gateway to an address of this host."""
        self._offered[port] = address

    def destination(self, address: str, port: int) -> Backend | None:
        """Where a connection is taken; None where it may not go."""
        if address == self._gateway:
            return Backend(self._offered[port], port) if port in self._offered else None
        where = ip_address(address)
        if where.is_loopback and not any(where in network for network in self._loopback):
            return None
        return Backend(address, port)

    async def open_socket(self, listener: socket.socket) -> None:
        """Serve a socket that listens already."""
        self._server = await asyncio.get_running_loop().create_server(self._accept, sock=listener)

    async def _connect(self, client: Any) -> None:
        try:
            backend = self.destination(*original_destination(client.transport.get_extra_info("socket")))
            if backend is None:
                client.abort()
                return
            await self._link(client, backend)
        except (OSError, TimeoutError) as error:
            _log.debug("a connection that leaves the cluster failed: %s", error)
            client.abort()


def original_destination(connection: Any) -> tuple[str, int]:
    """Where a connection was meant to go before it was redirected."""
    data = connection.getsockopt(socket.SOL_IP, _SO_ORIGINAL_DST, 16)
    port, address = struct.unpack("!2xH4s8x", data)
    return socket.inet_ntoa(address), port
