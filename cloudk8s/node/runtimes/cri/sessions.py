"""Streams through a runtime's own streaming server, which speaks SPDY."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from cloudk8s.apiserver.streaming import channels as channel
from cloudk8s.apiserver.streaming import upgrade
from cloudk8s.apiserver.streaming.bytes import ByteStream, SocketStream, copy
from cloudk8s.apiserver.streaming.channels import Piece, SpdyChannels
from cloudk8s.apiserver.streaming.spdy import SpdyConnection
from cloudk8s.machinery import codec
from cloudk8s.node.runtimes.interface import STDERR, STDOUT, RuntimeFailure, StreamOptions

_HEAD_LIMIT = 64 * 1024
_COMPLAINT = 1.0
"""Seconds that a runtime has, after the end of the data, to say what was wrong with a port."""
_STREAMS = {channel.STDOUT: STDOUT, channel.STDERR: STDERR}


class CriSession:
    """A `Session` over the channels of a SPDY connection."""

    def __init__(self, channels: SpdyChannels, reading: asyncio.Task[None], *, outputs: int, is_tty: bool) -> None:
        self._channels, self._reading, self._is_tty = channels, reading, is_tty
        self._open = outputs
        self._status = b""
        self._has_status = False
        self._resizing: set[asyncio.Task[None]] = set()

    async def read(self) -> tuple[int, bytes] | None:
        while self._open > 0:
            piece = await self._channels.read()
            if piece is None:
                self._open = 0
            elif piece.channel == channel.ERROR:
                self._learn(piece)
            elif piece.channel in _STREAMS:
                if piece.is_end:
                    self._open -= 1
                elif piece.data:
                    return _STREAMS[piece.channel], piece.data
        return None

    async def write(self, data: bytes) -> None:
        try:
            await self._channels.write(channel.STDIN, data)
        except ConnectionError:
            return  # the process has gone; its exit code tells

    async def close_stdin(self) -> None:
        try:
            await self._channels.end(channel.STDIN)
        except ConnectionError:
            return

    def resize(self, columns: int, rows: int) -> None:
        if self._is_tty:
            work = self._channels.write(channel.RESIZE, codec.encode({"Width": columns, "Height": rows}) + b"\n")
            task = asyncio.ensure_future(work)
            self._resizing.add(task)
            task.add_done_callback(self._resizing.discard)

    async def wait(self) -> int:
        while not self._has_status and (piece := await self._channels.read()) is not None:
            if piece.channel == channel.ERROR:
                self._learn(piece)
        if not self._status:
            raise RuntimeFailure("the runtime hung up and did not say how it ended")
        return _exit_code(self._status)

    def _learn(self, piece: Piece) -> None:
        """The status may end before the output does, and after it."""
        self._status += piece.data
        self._has_status = self._has_status or piece.is_end

    async def close(self) -> None:
        await self._channels.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, *self._resizing, return_exceptions=True)


async def open_session(url: str, options: StreamOptions) -> CriSession:
    """Open the streams of a prepared exec or attach; OSError or RuntimeFailure where the runtime does not take them."""
    connection, reading = await _connect(url, channel.V4)
    channels = SpdyChannels(connection, channel.V4)
    wanted = {channel.ERROR: True}
    wanted |= {channel.STDIN: False} if options.stdin else {}
    wanted |= {channel.STDOUT: True} if options.stdout else {}
    has_stderr = options.stderr and not options.tty
    wanted |= {channel.STDERR: True} if has_stderr else {}
    wanted |= {channel.RESIZE: False} if options.tty else {}
    outputs = int(options.stdout) + int(has_stderr)
    session = CriSession(channels, reading, outputs=outputs, is_tty=options.tty)
    try:
        await channels.open(wanted)
    except BaseException:
        await session.close()
        raise
    return session


async def open_port(url: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a port, as a socket of this process.

    Whether somebody listens there is known later only: reading then ends with an OSError that says what is wrong.
    """
    connection, reading = await _connect(url, upgrade.PORT_FORWARD)
    headers = {"port": str(port), "requestid": "0"}
    try:
        errors = await connection.open(headers | {"streamtype": "error"})
        await errors.close()
        data = await connection.open(headers | {"streamtype": "data"})
    except BaseException:
        await connection.close()
        reading.cancel()
        raise
    ours, theirs = socket.socketpair()
    far = SocketStream(*await asyncio.open_connection(sock=ours))
    reader, writer = await asyncio.open_connection(sock=theirs)

    async def inward() -> None:
        await copy(far, data)
        await data.close()

    async def carry() -> None:
        """Each half ends on its own, as TCP's do; when the pod says no more, all is over."""
        sending = asyncio.create_task(inward(), name="port-forward input")
        complaint = asyncio.create_task(_whole(errors), name="port-forward errors")
        try:
            await copy(data, far)
            await asyncio.wait({complaint}, timeout=_COMPLAINT)  # runtimes end it before the data
            if complaint.done() and (text := complaint.result().decode(errors="replace")):
                reader.set_exception(OSError(text.partition(", uid : ")[2] or text))
        finally:
            for task in (sending, complaint):
                task.cancel()
            await asyncio.gather(sending, complaint, return_exceptions=True)
            await far.close()
            await connection.close()
            reading.cancel()

    task = asyncio.create_task(carry(), name="port-forward")
    _carrying.add(task)
    task.add_done_callback(_carrying.discard)
    return reader, writer


async def _whole(stream: ByteStream) -> bytes:
    found = b""
    while data := await stream.read():
        found += data
    return found


_carrying: set[asyncio.Task[None]] = set()
"""Keeps the tasks of open connections alive; each removes itself."""


async def _connect(url: str, protocol: str) -> tuple[SpdyConnection, asyncio.Task[None]]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    headers = {"Connection": "Upgrade", "Upgrade": upgrade.SPDY, "X-Stream-Protocol-Version": protocol}
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    writer.write(upgrade.request_head("POST", target, parts.netloc, headers | {"Content-Length": "0"}))
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        writer.close()
        raise RuntimeFailure(f"the runtime's streaming server did not answer: {error}") from error
    if head.split(" ", 2)[1] != "101":
        rest = await reader.read(_HEAD_LIMIT)
        writer.close()
        raise RuntimeFailure(
            f"the runtime's streaming server refused: {head.splitlines()[0]} {rest.decode(errors='replace')}"
        )
    connection = SpdyConnection(SocketStream(reader, writer), is_server=False)
    return connection, asyncio.create_task(connection.run(), name="spdy")


def _exit_code(status: bytes) -> int:
    """The code in a `metav1.Status`; a failure without one is 1."""
    try:
        document: Mapping[str, object] = codec.decode(status) if status else {}
    except codec.DecodeError:
        return 1
    if document.get("status") in (None, "Success"):
        return 0
    details = document.get("details")
    causes = details.get("causes", []) if isinstance(details, dict) else []
    codes = [int(cause["message"]) for cause in causes if cause.get("reason") == "ExitCode"]
    return codes[0] if codes else 1
