"""A WebSocket connection over a byte stream, after its handshake: whole binary or text messages both ways."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from cloudk8s.apiserver.streaming.bytes import ByteStream

NORMAL = 1000
_GOODBYE = 1.0
"""Seconds that a peer which does not read has for the goodbye."""
_LINGER, _QUIET = 5.0, 0.25
"""Seconds that a client has to hang up, and that it may say nothing meanwhile."""


class WebSocket:
    """One connection; reading answers pings and closes."""

    def __init__(self, transport: ByteStream, *, is_server: bool) -> None:
        self._transport = transport
        self.is_server = is_server
        self._protocol = Connection(ConnectionType.SERVER if is_server else ConnectionType.CLIENT)
        self._pieces: list[bytes] = []
        self._messages: list[bytes] = []
        self._has_ended = False
        self._sending = asyncio.Lock()

    async def receive(self) -> bytes | None:
        """The next message; None once the peer has closed or gone."""
        while not self._messages and not self._has_ended:
            data = await self._transport.read()
            if not data:
                self._has_ended = True
                break
            try:
                self._protocol.receive_data(data)
                await self._handle_events()
            except RemoteProtocolError:
                self._has_ended = True
        return self._messages.pop(0) if self._messages else None

    async def send(self, data: bytes) -> None:
        """Send one binary message; ConnectionError once either side has closed."""
        try:
            await self._send(self._protocol.send(BytesMessage(data=data)))
        except LocalProtocolError as error:
            raise ConnectionResetError("the WebSocket is closed") from error

    async def send_text(self, text: str) -> None:
        """Send one text message."""
        try:
            await self._send(self._protocol.send(TextMessage(data=text)))
        except LocalProtocolError as error:
            raise ConnectionResetError("the WebSocket is closed") from error

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close in both directions and hang up, also where the peer does not listen. Idempotent.

        A server reads on until the client has hung up or says no more: what is left unread, the kernel takes as reason
        to throw away what the client has not received.
        """
        with suppress(LocalProtocolError, ConnectionError, TimeoutError):  # closed already, by the peer, or it is stuck
            async with asyncio.timeout(_GOODBYE):
                await self._send(self._protocol.send(CloseConnection(code=code, reason=reason)))
            if self.is_server:
                async with asyncio.timeout(_LINGER):
                    while await asyncio.wait_for(self.receive(), _QUIET) is not None:
                        continue
        await self._transport.close()

    async def _handle_events(self) -> None:
        for event in self._protocol.events():
            if isinstance(event, BytesMessage | TextMessage):
                data = event.data.encode() if isinstance(event, TextMessage) else bytes(event.data)
                self._pieces.append(data)
                if event.message_finished:
                    self._messages.append(b"".join(self._pieces))
                    self._pieces = []
            elif isinstance(event, Ping):
                await self._send(self._protocol.send(event.response()))
            elif isinstance(event, CloseConnection):
                self._has_ended = True
                try:
                    await self._send(self._protocol.send(event.response()))
                except (LocalProtocolError, ConnectionError):
                    return  # both closed at once

    async def _send(self, data: bytes) -> None:
        async with self._sending:
            await self._transport.write(data)


class WebSocketBytes:
    """A `ByteStream` in binary messages, as tunnels of SPDY use it."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        while (message := await self._socket.receive()) is not None:
            if message:
                return message
        return b""

    async def write(self, data: bytes) -> None:
        await self._socket.send(data)

    async def close(self) -> None:
        await self._socket.close()
