"""The sockets: datagrams and streams, on one port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from types import TracebackType
from typing import Any, Final, Self, cast

from cloudk8s.network.dns.resolver import Resolver, settle
from cloudk8s.network.dns.wire import Query

_IDLE_SECONDS: Final = 10.0
_PENDING: Final = 1000
"""Queries that wait for other resolvers; more are dropped, and their clients ask again."""
_BUFFER: Final = 1 << 20
_log = logging.getLogger(__name__)


class Admission:
    """Who may ask. A resolver that answers everybody is a weapon."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ip_network(text, strict=False) for text in networks]
        self._known: dict[str, bool] = {}

    def admits(self, address: str) -> bool:
        """Whether this client is in one of the networks; all are if there are none."""
        found = self._known.get(address)
        if found is None:
            if len(self._known) > 65536:
                self._known.clear()
            client = ip_address(address.partition("%")[0])
            found = not self._networks or any(client in network for network in self._networks)
            self._known[address] = found
        return found


class DnsServer:
    """Listens while its `async with` block runs. Port 0 picks a port that is free for both."""

    def __init__(
        self, resolver: Resolver, *, address: str, port: int = 53, admission: Admission,
        sockets: Callable[[str, int], tuple[socket.socket, socket.socket]] | None = None,
    ) -> None:  # fmt: skip
        self._bind = sockets or _bind
        self.port = port
        self.address = address
        self._resolver, self._admission = resolver, admission

    async def __aenter__(self) -> Self:
        stream, datagram = await asyncio.to_thread(self._bind, self.address, self.port)
        self.port = stream.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._datagrams, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._resolver, self._admission), sock=datagram
        )
        self._streams = await asyncio.start_server(self._serve, sock=stream)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._datagrams.close()
        self._streams.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the queries of one connection in their order, until it is idle."""
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            peer = writer.get_extra_info("peername")
            while self._admission.admits(peer[0]):
                async with asyncio.timeout(_IDLE_SECONDS):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    data = await reader.readexactly(length)
                answer = await settle(self._resolver, data, is_tcp=True)
                if not answer:
                    break
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver, admission: Admission) -> None:
        self._resolver, self._admission = resolver, admission
        self._pending: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if not self._admission.admits(addr[0]):
            return
        found = self._resolver.answer_at_once(data)
        if isinstance(found, bytes):
            if found:
                self._transport.sendto(found, addr)
        elif len(self._pending) < _PENDING:
            task = asyncio.get_running_loop().create_task(self._answer(found, addr), name="dns query")
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)

    async def _answer(self, query: Query, addr: tuple[Any, ...]) -> None:
        try:
            message = await self._resolver.answer(query, is_tcp=False)
        except Exception:  # noqa: BLE001 - one odd answer from outside must not end the server
            _log.exception("the query for %s failed", query.question.name)
            return
        self._transport.sendto(message, addr)

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._pending:
            task.cancel()


def _bind(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A stream and a datagram socket on one port. Blocks."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for attempt in range(20):
        stream = socket.socket(family, socket.SOCK_STREAM)
        datagram = socket.socket(family, socket.SOCK_DGRAM)
        try:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            datagram.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            stream.bind((address, port))
            datagram.bind((address, stream.getsockname()[1]))
        except OSError:
            stream.close()
            datagram.close()
            if port or attempt == 19:
                raise
            continue
        stream.setblocking(False)
        datagram.setblocking(False)
        return stream, datagram
    raise AssertionError("unreachable")
