"""One HTTP/1.1 exchange with a backend: send a request, read the head of the answer, leave the body to the caller."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.errors import ServiceUnavailable

_CONNECT_SECONDS: Final = 10.0
_HEAD_LIMIT: Final = 64 * 1024
_CHUNK: Final = 64 * 1024
HOP_BY_HOP: Final = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade",
})  # fmt: skip
"""Headers that concern one connection only (RFC 9110, section 7.6.1)."""


Sockets = Callable[[], socket.socket]
"""Makes a stream socket, not connected yet, of a network that this process is not on. Blocks, for a moment."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a backend listens; `tls` None is plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    sockets: Sockets | None = None
    """Where it is reached from; None is this process's own network."""


@dataclass(slots=True)
class Exchange:
    """An answer whose head has been read. Close it, or hand reader and writer on."""

    status: int
    reason: str
    headers: Mapping[str, str]
    lines: Sequence[tuple[str, str]]
    """The headers one by one: some come several times."""
    head: bytes
    """The head as it came, with its empty line."""
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def body(self) -> AsyncIterator[bytes]:
        """The body in pieces, freed of its framing; IncompleteReadError or ValueError if it breaks off."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            async for piece in self._chunks():
                yield piece
            return
        length = self.headers.get("content-length", "")
        left = int(length) if length.isdecimal() else None
        while left is None or left > 0:
            piece = await self.reader.read(_CHUNK if left is None else min(_CHUNK, left))
            if not piece:
                if left is not None:
                    raise asyncio.IncompleteReadError(b"", left)
                return
            left = None if left is None else left - len(piece)
            yield piece

    def close(self) -> None:
        self.writer.close()

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            size = int((await self.reader.readuntil(b"\n")).partition(b";")[0], 16)
            if size == 0:
                await self.reader.readline()
                return
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)


async def send(target: Target, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Exchange:
    """Send a request; raises ServiceUnavailable where nobody answers."""
    place = f"{target.host}:{target.port}"
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await _connect(target)
    except (OSError, TimeoutError) as error:
        raise ServiceUnavailable(f"error trying to reach service: dial tcp {place}: {error}") from None
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if "host" not in headers:
        lines.append(f"host: {place}")
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"content-length: {len(body)}")
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        writer.close()
        raise ServiceUnavailable(f"error trying to reach service: {place} did not answer: {error}") from None
    return _exchange(head, reader, writer)


async def _connect(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_HEAD_LIMIT, loop=loop)
    protocol = _Backend(reader, loop=loop)
    where: dict[str, Any] = {"host": target.host, "port": target.port}
    if target.sockets is not None:
        where = {"sock": await _dialled(target, await asyncio.to_thread(target.sockets))}
    transport, _ = await loop.create_connection(lambda: protocol, **where)
    if target.tls is not None:
        try:
            upper = await loop.start_tls(transport, protocol, target.tls, server_hostname=target.host)
        except BaseException:
            transport.abort()
            raise
        assert upper is not None
        return reader, asyncio.StreamWriter(upper, protocol, reader, loop)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def _dialled(target: Target, made: socket.socket) -> socket.socket:
    try:
        await asyncio.get_running_loop().sock_connect(made, (target.host, target.port))
    except BaseException:
        made.close()
        raise
    return made


class _Backend(asyncio.StreamReaderProtocol):
    """A backend's end of a stream, over TLS as well.

    Whoever reads slowly holds up the TCP connection, which `connection_made` has told the reader of, not the TLS above
    it: uvloop's throws away what it has not handed over yet when the backend closes meanwhile.
    """

    def eof_received(self) -> bool:
        super().eof_received()
        return False  # TLS cannot be half-closed; a backend that stops sending has said everything


def _exchange(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    found = [(name.strip().lower(), value.strip()) for name, _, value in pairs]
    status = int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else 502
    return Exchange(status, parts[2] if len(parts) > 2 else "", dict(found), found, head, reader, writer)
