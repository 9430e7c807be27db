"""Port-forward: pairs of streams, one for data and one for errors, for each connection to a port of a pod."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Sequence

from cloudk8s.apiserver.http.interface import Hijack, Request, Response
from cloudk8s.apiserver.streaming import channels as channel
from cloudk8s.apiserver.streaming import upgrade
from cloudk8s.apiserver.streaming.bytes import ByteStream, SocketStream, copy
from cloudk8s.apiserver.streaming.spdy import SpdyConnection, SpdyStream
from cloudk8s.apiserver.streaming.websocket import WebSocket, WebSocketBytes
from cloudk8s.node.runtimes.interface import RuntimeFailure
from cloudk8s.node.server import responses

TUNNEL = f"{upgrade.TUNNEL_PREFIX}{upgrade.PORT_FORWARD}"
Dial = Callable[[int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


def serve(request: Request, pod_name: str, ports: Sequence[int], dial: Dial) -> Response | Hijack:
    """Answer a request for port-forward with the upgrade that it asks for; `ports` are those of plain WebSockets."""
    try:
        agreed = upgrade.agree(
            request.headers, spdy=(upgrade.PORT_FORWARD,), websocket=(TUNNEL, channel.V4, channel.BASE64_V4)
        )
    except upgrade.NoProtocol as error:
        return responses.text(403 if upgrade.is_upgrade(request.headers) else 400, str(error))

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport: ByteStream = SocketStream(reader, writer)
        if agreed.kind == "websocket" and agreed.protocol != TUNNEL:
            await _over_channels(WebSocket(transport, is_server=True), agreed.protocol, ports, pod_name, dial)
            return
        if agreed.kind == "websocket":
            transport = WebSocketBytes(WebSocket(transport, is_server=True))
        await _over_spdy(SpdyConnection(transport, is_server=True), pod_name, dial)

    return Hijack(agreed.head, take)


async def _over_spdy(connection: SpdyConnection, pod_name: str, dial: Dial) -> None:
    reading = asyncio.create_task(connection.run(), name="spdy")
    pairs: dict[str, dict[str, SpdyStream]] = {}
    tasks: set[asyncio.Task[None]] = set()
    try:
        while (stream := await connection.accept()) is not None:
            request = stream.headers.get("requestid") or stream.headers.get("port", "")
            pair = pairs.setdefault(request, {})
            pair[stream.headers.get("streamtype", "")] = stream
            if {"data", "error"} <= pair.keys():
                del pairs[request]
                task = asyncio.create_task(_forward(pair["data"], pair["error"], pod_name, dial), name="port-forward")
                tasks.add(task)
                task.add_done_callback(tasks.discard)
    finally:
        for task in (reading, *tasks):
            task.cancel()
        await asyncio.gather(reading, *tasks, return_exceptions=True)
        await connection.close()


async def _forward(data: SpdyStream, errors: SpdyStream, pod_name: str, dial: Dial) -> None:
    port = int(data.headers["port"])
    try:
        await _connect(data, port, dial)
    except (OSError, RuntimeFailure) as error:
        await errors.write(_complaint(error, port, pod_name))
    finally:
        for stream in (data, errors):
            stream.leave()
            await stream.close()


def _complaint(error: Exception, port: int, pod_name: str) -> bytes:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"error forwarding port {port} to pod {pod_name}: {why}".encode()


async def _connect(data: ByteStream, port: int, dial: Dial) -> None:
    """Copy both ways; each half ends on its own, as TCP's do."""
    reader, writer = await dial(port)
    peer = SocketStream(reader, writer)
    inward = asyncio.create_task(_half(data, peer, writer), name="port-forward input")
    try:
        await copy(peer, data)
    finally:
        inward.cancel()
        await asyncio.gather(inward, return_exceptions=True)
        writer.close()


async def _half(source: ByteStream, target: SocketStream, writer: asyncio.StreamWriter) -> None:
    await copy(source, target)
    if writer.can_write_eof():
        writer.write_eof()


async def _over_channels(
    socket: WebSocket, protocol: str, ports: Sequence[int], pod_name: str, dial: Dial
) -> None:  # fmt: skip
    """The old form: for the n-th port, channel 2n is data and 2n+1 errors; each begins with the port's number."""
    channels = channel.WebSocketChannels(socket, protocol)
    lanes = [_Lane(channels, 2 * index) for index in range(len(ports))]
    for lane, port in zip(lanes, ports, strict=True):
        for number in (lane.number, lane.number + 1):
            await channels.write(number, struct.pack("<H", port))
    tasks = [asyncio.create_task(lane.run(port, pod_name, dial)) for lane, port in zip(lanes, ports, strict=True)]
    try:
        while (piece := await channels.read()) is not None:
            if piece.channel % 2 == 0 and piece.channel // 2 < len(lanes):
                lanes[piece.channel // 2].received.put_nowait(piece.data)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await channels.close()


class _Lane:
    """One port's data channel as a `ByteStream`."""

    def __init__(self, channels: channel.WebSocketChannels, number: int) -> None:
        self.number = number
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self._channels = channels

    async def run(self, port: int, pod_name: str, dial: Dial) -> None:
        try:
            await _connect(self, port, dial)
        except (OSError, RuntimeFailure) as error:
            await self._channels.write(self.number + 1, _complaint(error, port, pod_name))

    async def read(self) -> bytes:
        return await self.received.get()

    async def write(self, data: bytes) -> None:
        await self._channels.write(self.number, data)

    async def close(self) -> None:
        await self._channels.end(self.number)
