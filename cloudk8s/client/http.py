"""HTTP/1.1 as an API client needs it: keep-alive connections, whole answers, and answers that stream for hours."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import httptools

from cloudk8s.client.tls import connect
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.machinery.tls_transport import SharedBuffers

BUFFER = 1 << 20
"""Bytes of an unread answer above which the peer is held back."""
CONNECT_TIMEOUT = 30.0
MAX_IDLE = 8
"""Connections kept for the next request; a burst opens more, which then only cost memory."""
KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))
"""A peer that is gone without a word is noticed within a minute, also by a watch that nothing happens on."""


class Unreachable(ServiceUnavailable):
    """The server could not be connected to, or the connection was lost before the answer was complete."""


@dataclass(slots=True)
class HttpResponse:
    """The head of an answer; the body is read once, as a whole or in chunks."""

    status: int
    headers: dict[str, str]
    _connection: HttpConnection
    _is_read: bool = field(default=False)

    async def read(self) -> bytes:
        """The whole body."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises Unreachable if the connection is lost in the middle."""
        while (chunk := await self._connection.next_chunk()) is not None:
            yield chunk


class HttpConnection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._head: asyncio.Future[HttpResponse] | None = None
        self._headers: dict[str, str] = {}
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._more: asyncio.Future[None] | None = None
        self._is_complete = True
        self._is_paused = False
        self._keeps_alive = True
        self._error: Exception | None = None
        self.tls: ssl.SSLContext | None = None
        """With what it was made."""

    @property
    def is_reusable(self) -> bool:
        """Whether another request may be sent."""
        transport = self._transport
        return self._is_complete and self._keeps_alive and transport is not None and not transport.is_closing()

    async def send(self, request: bytes) -> HttpResponse:
        """Send a request; returns when the head of the answer is there."""
        assert self._transport is not None
        self._parser = httptools.HttpResponseParser(self)
        self._head = asyncio.get_running_loop().create_future()
        self._headers, self._is_complete, self._error = {}, False, None
        self._chunks.clear()
        self._buffered = 0
        self._transport.write(request)
        return await self._head

    async def next_chunk(self) -> bytes | None:
        """The next part of the body, None at its end."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._is_complete:
                return None
            self._more = asyncio.get_running_loop().create_future()
            await self._more
        chunk = self._chunks.popleft()
        self._buffered -= len(chunk)
        if self._is_paused and self._buffered < BUFFER // 2 and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return chunk

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, not an assertion: uvloop's transports do not derive from asyncio.Transport.
        self._transport = cast(asyncio.Transport, transport)
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in KEEP_ALIVE:
                raw.setsockopt(socket.IPPROTO_TCP, option, value)

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(Unreachable(f"the server does not speak HTTP: {error}"))
            self.close()

    def eof_received(self) -> bool:
        if not self._is_complete and not self._has_length():
            self.on_message_complete()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._keeps_alive = False
        self._fail(Unreachable(f"connection lost: {exc or 'closed by the server'}"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._headers = {}
            return
        if self._head is not None and not self._head.done():
            self._head.set_result(HttpResponse(status, self._headers, self))

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._buffered += len(body)
        if self._buffered > BUFFER and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        if self._head is not None and not self._head.done():
            return
        self._is_complete = True
        self._keeps_alive = self._has_length() and self._parser.should_keep_alive()
        self._wake()

    def _has_length(self) -> bool:
        return "content-length" in self._headers or "transfer-encoding" in self._headers

    def _fail(self, error: Exception) -> None:
        if self._is_complete:
            return
        self._error = error
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
        self._wake()

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)


class HttpPool:
    """Connections to one server; what is idle is used again, the one used last first."""

    def __init__(self, host: str, port: int, *, server_name: str = "") -> None:
        self._host = host
        self._port = port
        self._server_name = server_name or host
        self._idle: list[HttpConnection] = []
        self._tls: ssl.SSLContext | None = None
        self._buffers: SharedBuffers | None = None

    def use_tls(self, context: ssl.SSLContext | None) -> None:
        """Connect with this context from now on; idle connections of another one are closed."""
        if context is not self._tls:
            self.close()
        self._tls = context

    async def take(self) -> tuple[HttpConnection, bool]:
        """A connection and whether it has been used before."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable:
                return connection, True
        return await self._connect(), False

    def give(self, connection: HttpConnection) -> None:
        """Give a connection back; it is closed if it cannot serve another request, or if enough others wait idle.

        One that shows a certificate which was replaced meanwhile is of no use any more.
        """
        if connection.is_reusable and len(self._idle) < MAX_IDLE and connection.tls is self._tls:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close what is idle; connections in use are closed by whoever uses them."""
        while self._idle:
            self._idle.pop().close()

    async def _connect(self) -> HttpConnection:
        connection, name = HttpConnection(), self._server_name
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                if self._tls is None:
                    await asyncio.get_running_loop().create_connection(lambda: connection, self._host, self._port)
                else:
                    self._buffers = buffers = self._buffers or SharedBuffers()
                    await connect(connection, self._host, self._port, self._tls, buffers, server_name=name)
        except (OSError, TimeoutError) as error:
            raise Unreachable(f"cannot connect to {self._host}:{self._port}: {error}") from error
        connection.tls = self._tls
        return connection
