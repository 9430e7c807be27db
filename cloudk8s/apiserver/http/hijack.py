"""Hand a connection over to another protocol as asyncio streams."""

from __future__ import annotations

import asyncio

STREAM_LIMIT = 256 * 1024


def streams(
    transport: asyncio.Transport, received: bytes, *, is_paused: bool
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A reader and a writer that own `transport` from now on; `received` is what the peer sent ahead."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=STREAM_LIMIT, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    if is_paused:
        protocol.pause_writing()
    if received:
        reader.feed_data(received)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
