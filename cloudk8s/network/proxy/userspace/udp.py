"""Relay datagrams: a client's first one chooses the backend, and answers go back as long as there is traffic."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, cast

from cloudk8s.machinery.clock import Clock
from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.proxy.userspace.choice import Chooser
from cloudk8s.network.proxy.userspace.sockets import Sockets, connected

IDLE_SECONDS: Final = 60.0
QUEUE: Final = 64
"""Datagrams of one client that wait for its socket."""
_log = logging.getLogger(__name__)

SocketAddress = tuple[Any, ...]


class UdpListener(asyncio.DatagramProtocol):
    """Listens on one address and relays what comes."""

    def __init__(self, chooser: Chooser, *, clock: Clock, sockets: Sockets | None = None) -> None:
        self.chooser = chooser
        self.sockets = sockets
        self._clock = clock
        self._flows: dict[SocketAddress, _Flow] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def open(self, address: str, port: int) -> None:
        """Start to listen; OSError where this host does not allow it."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(address, port))
        self._sweeper = loop.create_task(self._sweep(), name="datagram flows")

    async def close(self) -> None:
        """Stop listening and forget all clients."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._transport is not None:
            self._transport.close()
        for client in tuple(self._flows):
            self._end(client)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: SocketAddress) -> None:
        flow = self._flows.get(addr)
        if flow is not None and flow.backend not in (*self.chooser.door.backends, *self.chooser.door.inside_backends):
            self._end(addr)
            flow = None
        if flow is None:
            backend = self.chooser.choose(addr[0])
            if backend is None:
                return
            flow = self._flows[addr] = _Flow(self, addr, backend)
        flow.last_used = self._clock.monotonic()
        flow.send(data)

    def answer(self, client: SocketAddress, data: bytes) -> None:
        """Send what a backend said to its client."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, client)
        if flow := self._flows.get(client):
            flow.last_used = self._clock.monotonic()

    async def _sweep(self) -> None:
        while True:
            await self._clock.sleep(IDLE_SECONDS / 2)
            limit = self._clock.monotonic() - IDLE_SECONDS
            for client in [client for client, flow in self._flows.items() if flow.last_used < limit]:
                self._end(client)

    def _end(self, client: SocketAddress) -> None:
        if flow := self._flows.pop(client, None):
            flow.close()


class _Flow(asyncio.DatagramProtocol):
    """The socket that speaks to a backend for one client."""

    def __init__(self, listener: UdpListener, client: SocketAddress, backend: Backend) -> None:
        self.backend = backend
        self.last_used = 0.0
        self._listener, self._client = listener, client
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: list[bytes] = []
        self._opening = asyncio.get_running_loop().create_task(self._open(), name="datagram flow")

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            if self._listener.sockets is None:
                await loop.create_datagram_endpoint(lambda: self, remote_addr=(self.backend.address, self.backend.port))
            else:
                made = await connected(self._listener.sockets, "udp", self.backend)
                await loop.create_datagram_endpoint(lambda: self, sock=made)
        except OSError as error:
            _log.debug("backend %s cannot be reached: %s", self.backend, error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        for data in self._waiting:
            self._transport.sendto(data)
        self._waiting.clear()

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.sendto(data)
        elif len(self._waiting) < QUEUE:
            self._waiting.append(data)

    def datagram_received(self, data: bytes, addr: SocketAddress) -> None:
        self._listener.answer(self._client, data)

    def error_received(self, exc: Exception) -> None:
        _log.debug("backend %s refuses datagrams: %s", self.backend, exc)

    def close(self) -> None:
        self._opening.cancel()
        if self._transport is not None:
            self._transport.close()
