"""Carry what leaves such a host: each TCP connection is made again from here, to where it was meant to go.

`datagrams` does the same for what is no connection.
"""

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
from cloudk8s.network.rootless import holder
from cloudk8s.network.rootless.datagrams import DatagramUplink, EchoUplink
from cloudk8s.network.rootless.host import RootlessHost

_SO_ORIGINAL_DST = 80
_TABLE = "ip cloudk8s-exit"
_PREROUTING = f"add chain {_TABLE} prerouting {{ type nat hook prerouting priority -100; }}"
_log = logging.getLogger(__name__)


@asynccontextmanager
async def running_uplink(host: RootlessHost, *, clock: Clock) -> AsyncIterator[Uplink]:
    """Carry connections while the block runs."""
    listener = await asyncio.to_thread(partial(host.socket, "tcp", "exit", bind=("0.0.0.0", 0)))
    rules = "".join(f"{line}\n" for line in exit_rules(listener.getsockname()[1]))
    await asyncio.to_thread(host.nft, "exit", rules)
    relay = Uplink(host, clock=clock)
    await relay.open_socket(listener)
    try:
        async with _running_packets(host, relay, clock):
            yield relay
    finally:
        await relay.close()


@asynccontextmanager
async def _running_packets(host: RootlessHost, relay: Uplink, clock: Clock) -> AsyncIterator[None]:
    """Carry what is no connection; a host within that an older version began cannot tell it."""
    try:
        datagrams = await asyncio.to_thread(host.socket, "udp packets", "exit")
        echoes = await asyncio.to_thread(host.socket, "icmp packets", "exit")
    except OSError as error:
        _log.warning("datagrams and pings do not leave the cluster before `cloudk8s down` and `up`: %s", error)
        yield
        return
    with datagrams, echoes:
        async with asyncio.TaskGroup() as group:
            carried = DatagramUplink(datagrams, echoes, relay.destination, clock=clock)
            pinged = EchoUplink(echoes, host.gateway, relay.destination, clock=clock)
            tasks = [group.create_task(each.run(), name="packets that leave") for each in (carried, pinged)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()


def exit_rules(tcp_port: int) -> list[str]:
    """What happens to packets that leave: TCP to the relay. The kernel says nothing of datagrams that others carry."""
    return [
        f"add table {_TABLE}",
        f"delete table {_TABLE}",
        f"add table {_TABLE}",
        _PREROUTING,
        f"add rule {_TABLE} prerouting meta l4proto tcp redirect to :{tcp_port}",
        f"add chain {_TABLE} output {{ type filter hook output priority 0; }}",
        f"add rule {_TABLE} output meta mark != {holder.OWN_MARK} icmp type destination-unreachable drop",
    ]


def dns_rules(gateway: str, port: int) -> list[str]:
    """Lead questions about names that are asked of the gateway to the DNS server. Pure."""
    return [
        f"add table {_TABLE}",
        _PREROUTING,
        f"insert rule {_TABLE} prerouting ip daddr {gateway} udp dport 53 redirect to :{port}",
        f"insert rule {_TABLE} prerouting tcp dport {port} accept",
    ]


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
