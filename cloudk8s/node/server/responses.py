"""Answers of the serving side: texts, JSON, and bodies that are produced while they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from cloudk8s.apiserver.http.interface import Hijack, Response
from cloudk8s.machinery import codec

Write = Callable[[bytes], Awaitable[None]]
"""Sends a piece of the body, waiting while the peer does not read."""


def text(status: int, body: str) -> Response:
    """A plain text."""
    return Response(status, body.encode(), "text/plain; charset=utf-8")


def json(value: Any) -> Response:
    """A JSON document."""
    return Response(200, codec.encode(value), "application/json")


def produced(produce: Callable[[Write], Awaitable[None]], content_type: str = "text/plain") -> Hijack:
    """A chunked body from a producer, which is stopped when the peer goes. The connection ends with the body."""
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n"
        "Cache-Control: no-cache, private\r\nConnection: close\r\n\r\n"
    )

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def write(data: bytes) -> None:
            if data:
                writer.write(b"%x\r\n%b\r\n" % (len(data), data))
                await writer.drain()

        producing = asyncio.ensure_future(produce(write))
        leaving = asyncio.ensure_future(reader.read())
        try:
            await asyncio.wait({producing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if producing.done():
                with suppress(ConnectionError):
                    producing.result()
                    writer.write(b"0\r\n\r\n")
                    await writer.drain()
        finally:
            producing.cancel()
            leaving.cancel()
            await asyncio.gather(producing, leaving, return_exceptions=True)
            writer.close()

    return Hijack(head.encode(), take)
