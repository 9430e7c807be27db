"""Relay datagrams: a client's first one chooses the backend, and answers go back as long as there is traffic."""

from __future__ import annotations

import asyncio
from typing import cast

from cloudk8s.machinery.clock import Clock
from cloudk8s.network.proxy.userspace.choice import Chooser
from cloudk8s.network.proxy.userspace.flows import Client, Flows
from cloudk8s.network.proxy.userspace.sockets import Sockets


class UdpListener(asyncio.DatagramProtocol):
    """Listens on one address and relays what comes."""

    def __init__(self, chooser: Chooser, *, clock: Clock, sockets: Sockets | None = None) -> None:
        self.chooser = chooser
        self._flows = Flows(self._answer, clock=clock, sockets=sockets)
        self._transport: asyncio.DatagramTransport | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def open(self, address: str, port: int) -> None:
        """Start to listen; OSError where this host does not allow it."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(address, port))
        self._sweeper = loop.create_task(self._flows.sweep(), name="datagram flows")

    async def close(self) -> None:
        """Stop listening and forget all clients."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._transport is not None:
            self._transport.close()
        self._flows.end_all()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Client) -> None:
        backend = self._flows.backend_of(addr)
        if backend not in (*self.chooser.door.backends, *self.chooser.door.inside_backends):
            backend = self.chooser.choose(addr[0])
        if backend is None:
            self._flows.end(addr)
        else:
            self._flows.send(addr, backend, data)

    def _answer(self, client: Client, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, client)
