"""Streams of a runtime, with a streaming server that ends them in every order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from cloudk8s.apiserver.streaming import exit_status
from cloudk8s.apiserver.streaming.bytes import SocketStream
from cloudk8s.apiserver.streaming.channels import V4
from cloudk8s.apiserver.streaming.spdy import SpdyConnection, SpdyStream
from cloudk8s.node.runtimes.cri import sessions
from cloudk8s.node.runtimes.interface import STDERR, STDOUT, RuntimeFailure, StreamOptions

Serve = Callable[[SpdyConnection, dict[str, SpdyStream]], Awaitable[None]]
PATIENCE = 10
PIECES, PIECE = 60, 4096
OUTPUT_ONLY = StreamOptions()


@asynccontextmanager
async def streaming(serve: Serve, *streams: str) -> AsyncIterator[str]:
    """The URL of a server that takes these streams and then does as it is told."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        connection = SpdyConnection(SocketStream(reader, writer), is_server=True)
        reading = asyncio.create_task(connection.run())
        taken: dict[str, SpdyStream] = {}
        while len(taken) < len(streams) and (stream := await connection.accept()) is not None:
            taken[stream.headers["streamtype"]] = stream
        await serve(connection, taken)
        connection.state.go_away()
        await connection.flush()
        writer.close()  # as containerd does: at once
        await reading

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server, asyncio.timeout(PATIENCE):
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/exec/token"


async def everything(session: sessions.CriSession) -> dict[int, int]:
    """How much came, taken by somebody who has to wait for each piece to be taken on."""
    found = {STDOUT: 0, STDERR: 0}
    while (piece := await session.read()) is not None:
        found[piece[0]] += len(piece[1])
        await asyncio.sleep(0)
    return found


@pytest.mark.parametrize("order", [("stdout", "stderr", "error"), ("error", "stderr", "stdout"), ("error",), ()])
async def test_all_output_and_the_status_arrive_however_they_end(order: tuple[str, ...]) -> None:
    """The output comes in one go with the end of the connection, as it does when this process was busy meanwhile."""

    async def serve(connection: SpdyConnection, streams: dict[str, SpdyStream]) -> None:
        state = connection.state
        if order[:1] == ("error",):
            state.send(streams["error"].id, exit_status.encode(V4, 3))
        for _ in range(PIECES):
            state.send(streams["stdout"].id, b"x" * PIECE)
            state.send(streams["stderr"].id, b"y")
        if order[:1] != ("error",):
            state.send(streams["error"].id, exit_status.encode(V4, 3))
        for name in order:
            state.end(streams[name].id)
        for name in streams.keys() - set(order):
            state.reset(streams[name].id)
        await connection.flush()

    async with streaming(serve, "error", "stdout", "stderr") as url:
        session = await sessions.open_session(url, OUTPUT_ONLY)
        await session._reading  # all of it is here, and the connection has ended
        assert await everything(session) == {STDOUT: PIECES * PIECE, STDERR: PIECES}
        assert await session.wait() == 3
        await session.close()


async def test_a_connection_that_ends_amid_output_which_is_not_read_yet_cuts_nothing_off() -> None:
    """The status has been read by then, and does not come again."""
    taken = asyncio.Event()

    async def serve(connection: SpdyConnection, streams: dict[str, SpdyStream]) -> None:
        for _ in range(PIECES):
            connection.state.send(streams["stdout"].id, b"x" * PIECE)
        connection.state.send(streams["error"].id, exit_status.encode(V4, 0))
        for stream in streams.values():
            connection.state.reset(stream.id)
        await connection.flush()
        await taken.wait()

    async with streaming(serve, "error", "stdout", "stderr") as url:
        session = await sessions.open_session(url, OUTPUT_ONLY)
        for _ in range(24):
            assert await session.read() == (STDOUT, b"x" * PIECE)
            await asyncio.sleep(0)
        taken.set()
        await session._reading
        assert await everything(session) == {STDOUT: (PIECES - 24) * PIECE, STDERR: 0}
        assert await session.wait() == 0
        await session.close()


async def test_output_that_ends_before_the_status_is_waited_for_no_longer() -> None:
    told = asyncio.Event()

    async def serve(connection: SpdyConnection, streams: dict[str, SpdyStream]) -> None:
        for name in ("stdout", "stderr"):
            await streams[name].close()
        await told.wait()
        await streams["error"].write(exit_status.encode(V4, 0))
        await streams["error"].close()
        await streams["error"].read()

    async with streaming(serve, "error", "stdout", "stderr") as url:
        session = await sessions.open_session(url, OUTPUT_ONLY)
        assert await session.read() is None
        told.set()
        assert await session.wait() == 0
        await session.close()


async def test_a_runtime_that_hangs_up_without_a_status_has_failed() -> None:
    async def serve(connection: SpdyConnection, streams: dict[str, SpdyStream]) -> None:
        await streams["stdout"].write(b"half of it")

    async with streaming(serve, "error", "stdout", "stderr") as url:
        session = await sessions.open_session(url, OUTPUT_ONLY)
        assert await session.read() == (STDOUT, b"half of it")
        assert await session.read() is None
        with pytest.raises(RuntimeFailure, match="hung up"):
            await session.wait()
        await session.close()


async def test_a_runtime_that_hangs_up_before_it_takes_the_streams_has_failed() -> None:
    async def serve(connection: SpdyConnection, streams: dict[str, SpdyStream]) -> None:
        return

    async with streaming(serve) as url:
        with pytest.raises(OSError, match="closed the connection"):
            await sessions.open_session(url, OUTPUT_ONLY)


async def test_a_runtime_that_answers_nothing_has_failed() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server, asyncio.timeout(PATIENCE):
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(RuntimeFailure, match="did not answer"):
            await sessions.open_session(f"http://127.0.0.1:{port}/exec/token", OUTPUT_ONLY)


async def test_a_port_that_nobody_listens_on_is_told_with_the_runtimes_reason() -> None:
    async def serve(connection: SpdyConnection, streams: dict[str, SpdyStream]) -> None:
        said = b"error forwarding port 1 to pod abc, uid : failed to connect: connection refused"
        await streams["error"].write(said)
        await streams["error"].close()
        await streams["data"].close()

    async with streaming(serve, "error", "data") as url:
        reader, writer = await sessions.open_port(url, 1)
        with pytest.raises(OSError, match=r"^failed to connect: connection refused"):
            await reader.read()
        writer.close()


async def test_what_answers_the_end_of_the_input_arrives_through_a_port() -> None:
    async def serve(connection: SpdyConnection, streams: dict[str, SpdyStream]) -> None:
        data, request = streams["data"], b""
        while piece := await data.read():
            request += piece
        await data.write(b"answer to " + request)

    async with streaming(serve, "error", "data") as url:
        reader, writer = await sessions.open_port(url, 80)
        writer.write(b"question")
        writer.write_eof()
        assert await reader.read() == b"answer to question"
        writer.close()
