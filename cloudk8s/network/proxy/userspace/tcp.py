"""Relay TCP connections, with back-pressure and half-closed connections as they are."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Collection
from typing import Final, cast

from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.proxy.userspace.choice import Chooser
from cloudk8s.network.proxy.userspace.sockets import ClientSockets, Sockets, connected, connected_as

CONNECT_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


class TcpListener:
    """Listens on one address and relays what comes."""

    def __init__(
        self, chooser: Chooser, *, sockets: Sockets | None = None, client_sockets: ClientSockets | None = None
    ) -> None:
        self.chooser = chooser
        self._sockets, self._client_sockets = sockets, client_sockets
        self._server: asyncio.Server | None = None
        self._sides: set[_Side] = set()
        self._connecting: set[asyncio.Task[None]] = set()

    async def open(self, address: str, port: int) -> None:
        """Start to listen; OSError where this host does not allow it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, address, port, backlog=1024)

    async def close(self) -> None:
        """Stop listening and end what is relayed."""
        if self._server is not None:
            self._server.close()
        for task in self._connecting:
            task.cancel()
        for side in tuple(self._sides):
            side.abort()

    def end_all_but(self, backends: Collection[Backend]) -> None:
        """End what is relayed to others: their clients would never hear of it."""
        for side in tuple(self._sides):
            if side.backend is not None and side.backend not in backends:
                side.abort()

    def _accept(self) -> _Side:
        side = _Side(self._sides)
        side.when_made = lambda: self._start(side)
        return side

    def _start(self, client: _Side) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(client), name="relay")
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, client: _Side) -> None:
        address = client.transport.get_extra_info("peername")[0]
        tried: list[Backend] = []
        while (backend := self.chooser.choose(address, tried=tried)) is not None:
            tried.append(backend)
            try:
                await self._link(client, backend)
            except (OSError, TimeoutError) as error:
                _log.debug("backend %s does not answer: %s", backend, error)
                continue
            return
        client.abort()

    async def _link(self, client: _Side, backend: Backend) -> None:
        loop = asyncio.get_running_loop()
        address = client.transport.get_extra_info("peername")[0]
        async with asyncio.timeout(CONNECT_SECONDS):
            if self._client_sockets is not None and self.chooser.shows(address):
                made = await connected_as(self._client_sockets, address, backend)
                _, server = await loop.create_connection(lambda: _Side(self._sides), sock=made)
            elif self._sockets is None:
                _, server = await loop.create_connection(lambda: _Side(self._sides), backend.address, backend.port)
            else:
                made = await connected(self._sockets, "tcp", backend)
                _, server = await loop.create_connection(lambda: _Side(self._sides), sock=made)
        server.backend = backend
        server.join(client)
        client.join(server)


class _Side(asyncio.Protocol):
    """One of the two connections of a relay."""

    transport: asyncio.Transport

    def __init__(self, all_sides: set[_Side]) -> None:
        self._all = all_sides
        self._other: _Side | None = None
        self._is_lost = False
        self._early: list[bytes] = []
        self._is_early_end = False
        self.when_made: Callable[[], None] | None = None
        self.backend: Backend | None = None
        """Who is at the other end, where this side leads to a backend."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._all.add(self)
        if isinstance(sock := transport.get_extra_info("socket"), socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.when_made is not None:
            self.when_made()

    def join(self, other: _Side) -> None:
        """From now on what comes here leaves there, and what came already."""
        self._other = other
        if other._is_lost or self._is_lost:
            self.abort()
            other.abort()
            return
        if self._early:
            other.transport.writelines(self._early)
            self._early.clear()
            self.transport.resume_reading()
        if self._is_early_end:
            self.eof_received()

    def abort(self) -> None:
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._other is not None:
            self._other.transport.write(data)
            return
        self._early.append(data)
        self.transport.pause_reading()

    def eof_received(self) -> bool:
        if self._other is None:
            self._is_early_end = True
        elif self._other.transport.can_write_eof():
            self._other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        if self._other is not None:
            self._other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None and not self._other._is_lost:
            self._other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._all.discard(self)
        if self._other is not None and not self._other._is_lost:
            if exc is None:
                self._other.transport.close()
            else:
                self._other.abort()
