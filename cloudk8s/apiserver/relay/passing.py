"""Pass a request on to a backend and its answer back: a whole body, a stream, or an upgraded connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from cloudk8s.apiserver.http.interface import Answer, Hijack, Request, Response, Stream, StreamWriter
from cloudk8s.apiserver.relay import pages
from cloudk8s.apiserver.relay.backend import HOP_BY_HOP, Exchange, Target, send
from cloudk8s.apiserver.streaming.upgrade import is_upgrade
from cloudk8s.errors import ServiceUnavailable

_SMALL: Final = 1024 * 1024
_BODYLESS: Final = frozenset({204, 304})
_BREAKS: Final = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)
"""How a body ends too early."""
_PRIVATE: Final = frozenset({"authorization", "host", "content-length", "expect"})
"""Headers that are for this server alone."""


async def pass_on(
    request: Request, target: Target, path: str, *, keep: Mapping[str, str] | None = None, below: str = ""
) -> Answer:
    """Send the request to `path` of the backend; upgrades become a pipe in both directions.

    `below` is this server's path for the backend's root: redirects of the backend are made to lead through it.
    """
    if is_upgrade(request.headers):
        return await _pass_upgrade(request, target, path)
    kept = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP | _PRIVATE}
    kept |= _forwarded(request, below) | dict(keep or {}) | {"connection": "close"}
    exchange = await send(target, request.method, path, kept, request.body)
    return await _answer(exchange, _Place(target, below), is_head=request.method == "HEAD")


class _Place(NamedTuple):
    """Where a backend is, and where it seems to be: `below` a path of this server, or nowhere."""

    target: Target
    below: str

    def redirected(self, location: str) -> str:
        """Where this server answers what the backend leads to; other hosts are none of its business."""
        try:
            parts = urlsplit(location)
        except ValueError:
            return location
        own = ("", f"{self.target.host}:{self.target.port}", self.target.host)
        if not self.below or parts.netloc not in own or not parts.path.startswith("/"):
            return location
        if parts.path.startswith(self.below):
            return urlunsplit(("", "", *parts[2:]))
        return urlunsplit(("", "", self.below + parts.path, parts.query, parts.fragment))


def _forwarded(request: Request, below: str) -> dict[str, str]:
    """For whom the request is made, as backends behind proxies expect it."""
    before = request.headers.get("x-forwarded-for", "")
    headers = {"x-forwarded-for": f"{before}, {request.connection.remote}" if before else request.connection.remote}
    if below:
        headers |= {"x-forwarded-uri": request.path, "x-forwarded-host": request.headers.get("host", "")}
        headers["x-forwarded-proto"] = "https"
    return headers


async def _pass_upgrade(request: Request, target: Target, path: str) -> Answer:
    kept = {name: value for name, value in request.headers.items() if name not in _PRIVATE}
    exchange = await send(target, request.method, path, kept)
    if exchange.status != 101:
        return await _answer(exchange, _Place(target, ""))

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _pipe_both(reader, writer, exchange.reader, exchange.writer)

    return Hijack(exchange.head, take)


async def _answer(exchange: Exchange, place: _Place, *, is_head: bool = False) -> Answer:
    """A known length is answered whole; the rest is streamed as it comes."""
    headers = [
        (name, place.redirected(value) if name == "location" else value)
        for name, value in exchange.lines
        if name not in HOP_BY_HOP and name not in ("content-length", "content-type", "date")
    ]
    content_type = exchange.headers.get("content-type", "")
    length = exchange.headers.get("content-length", "")
    if is_head or exchange.status in _BODYLESS:
        exchange.close()
        return Response(exchange.status, b"", content_type, headers)
    if place.below and pages.is_page(content_type):
        page, rest = await _beginning(exchange)
        if rest is not None:
            pump = _Pump(exchange, page, rest)
            return Stream(pump.start, pump.stop, content_type, headers, exchange.status)
        encoding = exchange.headers.get("content-encoding", "")
        # Half a second for the longest pages, which nobody else waits for.
        body = await asyncio.to_thread(pages.led_here, page, encoding, place.redirected)
        return Response(exchange.status, body, content_type, headers)
    if length.isdecimal() and int(length[:12]) <= _SMALL:
        return Response(exchange.status, await _whole(exchange), content_type, headers)
    pump = _Pump(exchange, b"", exchange.body())
    return Stream(pump.start, pump.stop, content_type or "text/plain", headers, exchange.status)


async def _beginning(exchange: Exchange) -> tuple[bytes, AsyncIterator[bytes] | None]:
    """A page, and what is left of it where it is too long to be read before it is passed on."""
    body, found, size = exchange.body(), [], 0
    try:
        async for piece in body:
            found.append(piece)
            size += len(piece)
            if size > pages.LARGEST:
                return b"".join(found), body
    except BaseException as error:
        exchange.close()
        if isinstance(error, _BREAKS):
            raise _broken_off(error) from None
        raise
    exchange.close()
    return b"".join(found), None


async def _whole(exchange: Exchange) -> bytes:
    try:
        return b"".join([piece async for piece in exchange.body()])
    except _BREAKS as error:
        raise _broken_off(error) from None
    finally:
        exchange.close()


def _broken_off(error: BaseException) -> ServiceUnavailable:
    return ServiceUnavailable(f"the backend's answer broke off: {error}")


class _Pump:
    """Carries a backend's body into a chunked answer, as fast as the client takes it."""

    def __init__(self, exchange: Exchange, first: bytes, rest: AsyncIterator[bytes]) -> None:
        self._exchange, self._first, self._rest = exchange, first, rest
        self._task: asyncio.Task[None] | None = None

    def start(self, writer: StreamWriter) -> None:
        writer.is_paced = True
        self._task = asyncio.create_task(self._run(writer), name="relay")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._exchange.close()

    async def _run(self, writer: StreamWriter) -> None:
        writer.write(self._first)
        try:
            async for piece in self._rest:
                writer.write(piece)
                await writer.drain()
                if writer.is_closed:
                    return
        except _BREAKS:
            writer.cut_off()
        else:
            writer.close()


async def _pipe_both(
    near: asyncio.StreamReader, to_near: asyncio.StreamWriter, far: asyncio.StreamReader, to_far: asyncio.StreamWriter
) -> None:
    """Carry bytes both ways until one side ends; then end the other."""
    there = asyncio.create_task(_pipe(near, to_far), name="relay to backend")
    back = asyncio.create_task(_pipe(far, to_near), name="relay to client")
    try:
        await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        if there.done() and not back.done() and not to_near.is_closing():
            await asyncio.wait({back}, timeout=5.0)
    finally:
        for task in (there, back):
            task.cancel()
        for writer in (to_near, to_far):
            writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
