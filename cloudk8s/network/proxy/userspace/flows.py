"""Datagram flows: each client has a socket of its own that speaks to one backend, for as long as there is traffic."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable
from typing import Any, Final, cast

from cloudk8s.machinery.clock import Clock
from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.proxy.userspace.sockets import Sockets, connected

IDLE_SECONDS: Final = 60.0
QUEUE: Final = 64
"""Datagrams of one client that wait for its socket."""
LIMIT: Final = 4096
"""Flows at a time; a new one beyond it ends the one that was idle for longest."""
_log = logging.getLogger(__name__)

Client = tuple[Any, ...]
"""Whatever tells one flow from another."""


class Flows:
    """What a backend says is handed to `answer`; that it refuses datagrams, to `refused`."""

    def __init__(
        self, answer: Callable[[Client, bytes], None], *, clock: Clock, sockets: Sockets | None = None,
        refused: Callable[[Client], None] = lambda client: None,
    ) -> None:  # fmt: skip
        self.sockets, self._clock = sockets, clock
        self._answer, self._refused = answer, refused
        self._flows: dict[Client, _Flow] = {}

    def __len__(self) -> int:
        return len(self._flows)

    def backend_of(self, client: Client) -> Backend | None:
        """Where a client's datagrams go; None where it has no flow."""
        flow = self._flows.get(client)
        return flow.backend if flow else None

    def send(self, client: Client, backend: Backend, data: bytes) -> None:
        """Send by the client's flow, which is begun, or begun anew if it leads elsewhere."""
        flow = self._flows.get(client)
        if flow is None or flow.backend != backend:
            self.end(client)
            self._make_room()
            flow = self._flows[client] = _Flow(self, client, backend)
        flow.last_used = self._clock.monotonic()
        flow.send(data)

    def end(self, client: Client) -> None:
        """End a flow; absent is success."""
        if flow := self._flows.pop(client, None):
            flow.close()

    def end_all(self) -> None:
        for client in tuple(self._flows):
            self.end(client)

    async def sweep(self) -> None:
        """End what is idle, until cancelled."""
        while True:
            await self._clock.sleep(IDLE_SECONDS / 2)
            limit = self._clock.monotonic() - IDLE_SECONDS
            for client in [client for client, flow in self._flows.items() if flow.last_used < limit]:
                self.end(client)

    def answered(self, client: Client, data: bytes) -> None:
        """A backend said something."""
        if flow := self._flows.get(client):
            flow.last_used = self._clock.monotonic()
            self._answer(client, data)

    def refused(self, client: Client) -> None:
        """A backend does not want datagrams."""
        if client in self._flows:
            self._refused(client)

    def _make_room(self) -> None:
        if len(self._flows) >= LIMIT:
            self.end(min(self._flows, key=lambda client: self._flows[client].last_used))


class _Flow(asyncio.DatagramProtocol):
    """The socket that speaks to a backend for one client."""

    def __init__(self, flows: Flows, client: Client, backend: Backend) -> None:
        self.backend = backend
        self.last_used = 0.0
        self._flows, self._client = flows, client
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: list[bytes] = []
        self._opening = asyncio.get_running_loop().create_task(self._open(), name="datagram flow")

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            if self._flows.sockets is None:
                await loop.create_datagram_endpoint(lambda: self, remote_addr=(self.backend.address, self.backend.port))
            else:
                made = await connected(self._flows.sockets, "udp", self.backend)
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

    def datagram_received(self, data: bytes, addr: Client) -> None:
        self._flows.answered(self._client, data)

    def error_received(self, exc: Exception) -> None:
        _log.debug("backend %s refuses datagrams: %s", self.backend, exc)
        if getattr(exc, "errno", None) == errno.ECONNREFUSED:
            self._flows.refused(self._client)

    def close(self) -> None:
        self._opening.cancel()
        if self._transport is not None:
            self._transport.close()
