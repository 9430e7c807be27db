"""The five channels of exec and attach, over WebSocket messages or SPDY streams, to one interface."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cloudk8s.apiserver.streaming.spdy import SpdyConnection, SpdyStream
from cloudk8s.apiserver.streaming.websocket import WebSocket

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
CLOSE = 255
NAMES = {STDIN: "stdin", STDOUT: "stdout", STDERR: "stderr", ERROR: "error", RESIZE: "resize"}

V5, V4, V3, V2, V1 = (f"v{number}.channel.k8s.io" if number > 1 else "channel.k8s.io" for number in (5, 4, 3, 2, 1))
BASE64_V4, BASE64_V1 = "v4.base64.channel.k8s.io", "base64.channel.k8s.io"
WEBSOCKET_PROTOCOLS = (V5, V4, V1, BASE64_V4, BASE64_V1)
SPDY_PROTOCOLS = (V5, V4, V3, V2, V1)


@dataclass(frozen=True, slots=True)
class Piece:
    """Data on a channel; `is_end` says that no more comes on it."""

    channel: int
    data: bytes
    is_end: bool = False


class Channels(Protocol):
    """The channels of one exec or attach."""

    protocol: str
    """The negotiated version; from v4 on the error channel carries a `metav1.Status`."""

    async def read(self) -> Piece | None:
        """What the peer sent next; None once it has gone and all that it sent was read."""

    async def write(self, channel: int, data: bytes) -> None:
        """Send on a channel; ConnectionError once the peer has gone."""

    async def end(self, channel: int) -> None:
        """Say that no more comes on a channel, where the protocol can."""

    async def close(self) -> None:
        """End everything."""


class WebSocketChannels:
    """Each message begins with the number of its channel, a byte or, in base64 protocols, a digit."""

    def __init__(self, socket: WebSocket, protocol: str) -> None:
        self.protocol = protocol
        self._socket = socket
        self._is_text = "base64" in protocol

    async def read(self) -> Piece | None:
        while (message := await self._socket.receive()) is not None:
            if not message:
                continue
            if self._is_text:
                return Piece(message[0] - ord("0"), base64.b64decode(message[1:]))
            if message[0] == CLOSE and self.protocol == V5 and len(message) > 1:
                return Piece(message[1], b"", is_end=True)
            return Piece(message[0], message[1:])
        return None

    async def write(self, channel: int, data: bytes) -> None:
        if self._is_text:
            await self._socket.send_text(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await self._socket.send(bytes((channel,)) + data)

    async def end(self, channel: int) -> None:
        """Send the close signal, which only clients do: kubectl complains of one that it gets."""
        if self.protocol == V5 and not self._socket.is_server:
            await self._socket.send(bytes((CLOSE, channel)))

    async def close(self) -> None:
        await self._socket.close()


class SpdyChannels:
    """Each channel is a stream, known by its `streamtype` header."""

    def __init__(self, connection: SpdyConnection, protocol: str) -> None:
        self.protocol = protocol
        self._connection = connection
        self._streams: dict[int, SpdyStream] = {}
        self._queue: asyncio.Queue[Piece | None] = asyncio.Queue(maxsize=16)
        self._pumps: list[asyncio.Task[None]] = []
        self._watch: asyncio.Task[None] | None = None
        self._has_ended = False

    async def expect(self, wanted: set[int]) -> bool:
        """Wait until the peer has opened these streams; False where it goes before that."""
        numbers = {name: number for number, name in NAMES.items()}
        while wanted - self._streams.keys():
            stream = await self._connection.accept()
            if stream is None:
                return False
            number = numbers.get(stream.headers.get("streamtype", ""))
            if number is None:
                await stream.reset()
                continue
            self.add(number, stream)
        self._watch = asyncio.create_task(self._watch_connection(), name="spdy end")
        return True

    async def open(self, wanted: Mapping[int, bool]) -> None:
        """Open streams as a client; the value says whether the peer writes to it."""
        for number, is_read in wanted.items():
            stream = await self._connection.open({"streamtype": NAMES[number]})
            self._streams[number] = stream
            if is_read:
                self._start_pump(number, stream)
        self._watch = asyncio.create_task(self._watch_connection(), name="spdy end")

    def add(self, number: int, stream: SpdyStream) -> None:
        """Take a stream that the peer opened."""
        self._streams[number] = stream
        self._start_pump(number, stream)

    async def read(self) -> Piece | None:
        if self._has_ended:
            return None
        piece = await self._queue.get()
        self._has_ended = piece is None
        return piece

    async def write(self, channel: int, data: bytes) -> None:
        if stream := self._streams.get(channel):
            await stream.write(data)

    async def end(self, channel: int) -> None:
        if stream := self._streams.get(channel):
            await stream.close()

    async def close(self) -> None:
        tasks = [*self._pumps, self._watch] if self._watch is not None else self._pumps
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._connection.close()

    def _start_pump(self, number: int, stream: SpdyStream) -> None:
        self._pumps.append(asyncio.create_task(self._pump(number, stream), name=f"spdy {NAMES[number]}"))

    async def _pump(self, number: int, stream: SpdyStream) -> None:
        while data := await stream.read():
            await self._queue.put(Piece(number, data))
        await self._queue.put(Piece(number, b"", is_end=True))

    async def _watch_connection(self) -> None:
        """The end of the connection is that of all channels, after all that came on them; late streams are refused."""
        while (stream := await self._connection.accept()) is not None:
            await stream.reset()
        await asyncio.gather(*self._pumps)
        await self._queue.put(None)
