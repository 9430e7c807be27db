"""A SPDY connection over a byte stream: streams that are opened, read, written and ended like small connections."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from cloudk8s.apiserver.streaming.bytes import ByteStream
from cloudk8s.apiserver.streaming.spdy_frames import SpdyError
from cloudk8s.apiserver.streaming.spdy_state import GoneAway, Opened, Received, Replied, Reset, SpdyState

_BACKLOG = 64
"""Pieces of data that wait in one stream before the connection is no longer read."""
_GOODBYE = 1.0
"""Seconds that a peer which does not read has for the goodbye."""
_LINGER, _QUIET = 5.0, 0.25
"""Seconds that a client has to hang up, and that it may say nothing meanwhile."""


class SpdyStream:
    """One stream; fulfils `ByteStream`. `close` ends this side's half, `reset` the whole."""

    def __init__(self, connection: SpdyConnection, id: int, headers: Mapping[str, str]) -> None:
        self.id, self.headers = id, headers
        self._connection = connection
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._has_ended = False
        self._has_closed = False
        self._is_left = False
        self._room = asyncio.Event()
        self._room.set()
        self.replied = asyncio.Event()

    async def read(self) -> bytes:
        if self._has_ended and self._queue.empty():
            return b""
        data = await self._queue.get()
        if self._queue.qsize() < _BACKLOG:
            self._room.set()
        return data

    async def write(self, data: bytes) -> None:
        if self._has_closed:
            raise ConnectionResetError("the stream is closed")
        self._connection.state.send(self.id, data)
        await self._connection.flush()

    async def close(self) -> None:
        if not self._has_closed:
            self._has_closed = True
            self._connection.state.end(self.id)
            await self._connection.flush()
            self._forget_if_over()

    async def reset(self) -> None:
        """Break the stream off in both directions."""
        self._has_closed = True
        self.ended()
        self._connection.state.reset(self.id)
        await self._connection.flush()

    def leave(self) -> None:
        """Throw away what the peer still sends: nobody reads it, and it must not hold up the other streams."""
        self._is_left = True
        self._room.set()

    async def received(self, data: bytes) -> None:
        """Take data from the connection, holding it up while the reader lags."""
        if self._is_left:
            return
        self._queue.put_nowait(data)
        if self._queue.qsize() >= _BACKLOG:
            self._room.clear()
            await self._room.wait()

    def ended(self) -> None:
        """The peer sends no more."""
        if not self._has_ended:
            self._has_ended = True
            self._queue.put_nowait(b"")
            self._room.set()
            self.replied.set()
            self._forget_if_over()

    def _forget_if_over(self) -> None:
        if self._has_ended and self._has_closed:
            self._connection.forget(self.id)


class SpdyConnection:
    """One connection; `run` must be running. New streams of the peer come out of `accept`."""

    def __init__(self, transport: ByteStream, *, is_server: bool) -> None:
        self._transport, self._is_server = transport, is_server
        self.state = SpdyState(is_server=is_server)
        self._streams: dict[int, SpdyStream] = {}
        self._accepted: asyncio.Queue[SpdyStream | None] = asyncio.Queue()
        self._sending = asyncio.Lock()
        self._answering: set[asyncio.Task[None]] = set()
        self._ended, self._heard = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Read until the connection ends; then all streams have ended."""
        try:
            while data := await self._transport.read():
                self._heard.set()
                await self._feed(data)
                self._answer()
        except (SpdyError, ConnectionError):
            pass  # a peer that breaks the protocol or the connection has hung up
        finally:
            self._end()

    async def accept(self) -> SpdyStream | None:
        """The next stream that the peer opened; None once the connection has ended."""
        return await self._accepted.get()

    async def open(self, headers: Mapping[str, str]) -> SpdyStream:
        """Open a stream and wait until the peer has taken it; ConnectionError where it goes before that."""
        stream = SpdyStream(self, self.state.open(headers), headers)
        self._streams[stream.id] = stream
        if not self._ended.is_set():
            await self.flush()
            await stream.replied.wait()
        if self._ended.is_set():
            raise ConnectionResetError("the peer closed the connection before it took the stream")
        return stream

    async def flush(self) -> None:
        """Send what the state has for the peer."""
        async with self._sending:
            if data := self.state.take():
                await self._transport.write(data)

    async def close(self) -> None:
        """Say goodbye and hang up, also where the peer does not listen.

        A server reads on until the client has hung up or says no more: what is left unread, the kernel takes as reason
        to throw away what the client has not received.
        """
        self.state.go_away()
        for stream in self._streams.values():
            stream.leave()
        with suppress(ConnectionError, TimeoutError):  # the peer hung up first, or reads no more
            async with asyncio.timeout(_GOODBYE):
                await self.flush()
            if self._is_server:
                async with asyncio.timeout(_LINGER):
                    await self._quiet()
        await self._transport.close()

    async def _quiet(self) -> None:
        """Return once the peer has hung up; TimeoutError where it says nothing."""
        while not self._ended.is_set():
            self._heard.clear()
            async with asyncio.timeout(_QUIET):
                await self._heard.wait()

    def _answer(self) -> None:
        """Send what reading has called for; reading goes on meanwhile, or two peers with full buffers wait forever."""
        if self.state.has_output:
            task = asyncio.create_task(self._flush_quietly(), name="spdy answers")
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def _flush_quietly(self) -> None:
        with suppress(ConnectionError):  # who reads finds out, too
            await self.flush()

    async def _feed(self, data: bytes) -> None:
        for event in self.state.feed(data):
            if isinstance(event, Opened):
                self._opened(event)
                continue
            if isinstance(event, GoneAway):
                continue
            stream = self._streams.get(event.stream)
            if stream is None:
                continue
            if isinstance(event, Received):
                if event.data:
                    await stream.received(event.data)
                if event.is_ended:
                    stream.ended()
            elif isinstance(event, Replied):
                stream.replied.set()
            elif isinstance(event, Reset):
                stream.ended()
                self.forget(event.stream)

    def _opened(self, event: Opened) -> None:
        stream = SpdyStream(self, event.stream, event.headers)
        self._streams[event.stream] = stream
        self.state.reply(event.stream)
        if event.is_ended:
            stream.ended()
        self._accepted.put_nowait(stream)

    def forget(self, stream: int) -> None:
        """A stream is over in both directions."""
        self._streams.pop(stream, None)

    def _end(self) -> None:
        self._ended.set()
        self._heard.set()
        for task in self._answering:
            task.cancel()
        for stream in list(self._streams.values()):
            stream.ended()
        self._accepted.put_nowait(None)
