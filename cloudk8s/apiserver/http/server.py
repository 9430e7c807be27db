"""The listener: accepts connections, keeps time for them, stops without dropping what is under way."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

from cloudk8s.apiserver.http.connection import HTTPConnection
from cloudk8s.apiserver.http.interface import Handler
from cloudk8s.apiserver.http.limits import Limits
from cloudk8s.apiserver.http.outbox import Outbox
from cloudk8s.apiserver.http.outgoing import date_header
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.machinery.tls_transport import SharedBuffers, TLSTransport

log = logging.getLogger(__name__)
TICK = 1.0
"""Seconds between looks at the deadlines of all connections."""


class HTTPServer:
    """Serve `handler` while the `async with` block runs; leaving it drains.

    `port` 0 picks a free one; `sock` is a bound socket to serve instead; `ssl_context` None serves plain HTTP (tests).
    """

    def __init__(
        self,
        handler: Handler,
        ssl_context: ssl.SSLContext | None = None,
        *,
        host: str | Sequence[str] = "127.0.0.1",
        port: int = 0,
        sock: socket.socket | None = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.handler = handler
        self.limits = limits or Limits()
        self.names: dict[bytes, str] = {}
        self.is_draining = False
        self._ssl_context = ssl_context
        self._host = host
        self._port = port
        self._sock = sock
        self._clock = clock or SystemClock()
        self._connections: set[HTTPConnection] = set()
        self._handshakes: set[TLSTransport] = set()
        self._takeovers: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._all_closed = asyncio.Event()
        self._set_seconds(self.limits)
        self._tick()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._port

    @property
    def connections(self) -> int:
        """How many connections are open, those taken over by other protocols included."""
        return len(self._connections) + len(self._takeovers)

    async def __aenter__(self) -> Self:
        self.loop = asyncio.get_running_loop()
        self.outbox = Outbox(self.loop)
        where: dict[str, Any] = {"host": self._host, "port": self._port} if self._sock is None else {"sock": self._sock}
        self._listener = await self.loop.create_server(self._protocol_factory(), **where, backlog=4096)
        self._port = self._listener.sockets[0].getsockname()[1]
        self._timekeeper = asyncio.create_task(self._keep_time(), name="http-timekeeper")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.drain()
        finally:
            self._timekeeper.cancel()
            for handshake in tuple(self._handshakes):
                handshake.abort()
            for connection in tuple(self._connections):
                connection.abort()
            await self._end_takeovers()
            await asyncio.sleep(0)

    async def drain(self) -> None:
        """Stop accepting, end streams, and wait for answers under way. Idempotent."""
        self.is_draining = True
        self._listener.close()
        for connection in tuple(self._connections):
            connection.drain()
        closing = asyncio.create_task(self._wait_closed(), name="http-drain")
        patience = asyncio.create_task(self._clock.sleep(self.limits.drain_timeout.total_seconds()))
        _, pending = await asyncio.wait({closing, patience}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if self._connections:
            log.warning("%d connections were cut off by the stop", len(self._connections))

    # What connections call.

    def opened(self, connection: HTTPConnection) -> None:
        self._connections.add(connection)
        self._all_closed.clear()
        if self.is_draining:
            connection.close()

    def closed(self, connection: HTTPConnection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_closed.set()

    def hijacked(self, connection: HTTPConnection, work: Awaitable[None], writer: asyncio.StreamWriter) -> None:
        """Own `work`, which owns the connection from now on."""
        self.closed(connection)
        task = self.loop.create_task(self._run_takeover(work, writer), name="http-takeover")
        self._takeovers[task] = writer
        task.add_done_callback(self._takeovers.pop)

    def _protocol_factory(self) -> Callable[[], asyncio.BaseProtocol]:
        context, buffers = self._ssl_context, SharedBuffers()
        if context is None:
            return lambda: HTTPConnection(self)
        patience = self.limits.handshake_timeout.total_seconds()

        def make() -> asyncio.BaseProtocol:
            done = self._handshakes.discard
            transport = TLSTransport(context, HTTPConnection(self), buffers, done, self.now + patience)
            self._handshakes.add(transport)
            return transport

        return make

    async def _run_takeover(self, work: Awaitable[None], writer: asyncio.StreamWriter) -> None:
        try:
            await work
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            log.debug("a hijacked connection was lost: %s", error)
        except Exception:
            log.exception("a hijacked connection failed")
        finally:
            writer.close()

    async def _end_takeovers(self) -> None:
        tasks = tuple(self._takeovers)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _wait_closed(self) -> None:
        if self._connections:
            await self._all_closed.wait()

    async def _keep_time(self) -> None:
        while True:
            await self._clock.sleep(TICK)
            self._tick()
            for handshake in [each for each in self._handshakes if each.deadline <= self.now]:
                self._handshakes.discard(handshake)
                handshake.abort()
            for connection in [each for each in self._connections if each.deadline <= self.now]:
                with contextlib.suppress(ConnectionError):
                    connection.expire()

    def _tick(self) -> None:
        self.now = self._clock.monotonic()
        self.date = date_header(self._clock.now())

    def _set_seconds(self, limits: Limits) -> None:
        self.head_timeout = limits.head_timeout.total_seconds()
        self.body_timeout = limits.body_timeout.total_seconds()
        self.idle_timeout = limits.idle_timeout.total_seconds()
        self.write_stall = limits.write_stall.total_seconds()
        self.stream_stall = limits.stream_stall.total_seconds()
        self.linger = limits.linger.total_seconds()
