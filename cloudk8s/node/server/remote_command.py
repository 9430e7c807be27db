"""Exec and attach: a session of the runtime on one side, the channels of a client on the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import orjson

from cloudk8s.apiserver.http.interface import Hijack, Request, Response
from cloudk8s.apiserver.streaming import channels as channel
from cloudk8s.apiserver.streaming import exit_status, upgrade
from cloudk8s.apiserver.streaming.bytes import ByteStream, SocketStream
from cloudk8s.apiserver.streaming.channels import Channels, SpdyChannels, WebSocketChannels
from cloudk8s.apiserver.streaming.spdy import SpdyConnection
from cloudk8s.apiserver.streaming.websocket import WebSocket
from cloudk8s.node.runtimes.interface import RuntimeFailure, Session, StreamOptions
from cloudk8s.node.server import responses

_STREAM_PATIENCE = 30.0
OpenSession = Callable[[], Awaitable[Session]]

_log = logging.getLogger(__name__)


def serve(request: Request, options: StreamOptions, open_session: OpenSession) -> Response | Hijack:
    """Answer a request for exec or attach with the upgrade that it asks for."""
    if not (options.stdin or options.stdout or options.stderr):
        return responses.text(400, "you must specify at least 1 of stdin, stdout, stderr")
    try:
        agreed = upgrade.agree(request.headers, spdy=channel.SPDY_PROTOCOLS, websocket=channel.WEBSOCKET_PROTOCOLS)
    except upgrade.NoProtocol as error:
        return responses.text(403 if upgrade.is_upgrade(request.headers) else 400, str(error))

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport = SocketStream(reader, writer)
        if agreed.kind == "websocket":
            socket = WebSocket(transport, is_server=True)
            await _run(WebSocketChannels(socket, agreed.protocol or channel.V1), options, open_session)
        else:
            await _over_spdy(transport, agreed.protocol or channel.V1, options, open_session)

    return Hijack(agreed.head, take)


async def _over_spdy(transport: ByteStream, protocol: str, options: StreamOptions, open_session: OpenSession) -> None:
    connection = SpdyConnection(transport, is_server=True)
    reading = asyncio.create_task(connection.run(), name="spdy")
    channels = SpdyChannels(connection, protocol)
    try:
        if await _are_open(channels, _streams(options, protocol)):
            await _run(channels, options, open_session)
    finally:
        await channels.close()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _are_open(channels: SpdyChannels, wanted: set[int]) -> bool:
    try:
        async with asyncio.timeout(_STREAM_PATIENCE):
            return await channels.expect(wanted)
    except TimeoutError:
        _log.info("a client opened its connection but not its streams")
        return False


def _streams(options: StreamOptions, protocol: str) -> set[int]:
    wanted = {channel.ERROR}
    wanted |= {channel.STDIN} if options.stdin else set()
    wanted |= {channel.STDOUT} if options.stdout else set()
    wanted |= {channel.STDERR} if options.stderr and not options.tty else set()
    has_resize = options.tty and protocol not in (channel.V1, channel.V2)
    return wanted | ({channel.RESIZE} if has_resize else set())


async def _run(channels: Channels, options: StreamOptions, open_session: OpenSession) -> None:
    """Copy until the command has ended or the client has gone, then say how it ended."""
    try:
        await _greet(channels, options)
        session = await open_session()
    except (RuntimeFailure, OSError) as error:
        await channels.write(channel.ERROR, exit_status.encode_failure(channels.protocol, str(error)))
        await channels.close()
        return
    output = asyncio.create_task(_serve_output(session, channels), name="session output")
    input = asyncio.create_task(_copy_input(channels, session), name="session input")
    try:
        await asyncio.wait({output, input}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (output, input):
            task.cancel()
        for ending in await asyncio.gather(output, input, return_exceptions=True):
            if isinstance(ending, Exception) and not isinstance(ending, OSError):  # the connection broke
                _log.error("the streams of a command failed: %s", ending, exc_info=ending)
        await session.close()
        await channels.close()


async def _greet(channels: Channels, options: StreamOptions) -> None:
    """WebSocket clients of the first versions wait for a first message."""
    if isinstance(channels, WebSocketChannels):
        await channels.write(channel.STDOUT if options.stdout else channel.STDERR, b"")


async def _serve_output(session: Session, channels: Channels) -> None:
    """Send what the command prints, and at its end how it ended."""
    try:
        while (piece := await session.read()) is not None:
            await channels.write(*piece)
        await channels.write(channel.ERROR, await _ending(session, channels.protocol))
        for number in (channel.STDOUT, channel.STDERR, channel.ERROR):
            await channels.end(number)
    except ConnectionError:
        _log.debug("a client left before its command ended")


async def _ending(session: Session, protocol: str) -> bytes:
    try:
        return exit_status.encode(protocol, await session.wait())
    except RuntimeFailure as error:
        return exit_status.encode_failure(protocol, str(error))


async def _copy_input(channels: Channels, session: Session) -> None:
    while (piece := await channels.read()) is not None:
        if piece.channel == channel.STDIN:
            await session.write(piece.data)
            if piece.is_end:
                await session.close_stdin()
        elif piece.channel == channel.RESIZE and piece.data:
            _resize(session, piece.data)
    await session.close_stdin()


def _resize(session: Session, data: bytes) -> None:
    for line in data.splitlines():
        try:
            size = orjson.loads(line)
            session.resize(int(size["Width"]), int(size["Height"]))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            continue  # not a size; upstream's servers ignore it too
