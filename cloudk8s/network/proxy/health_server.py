"""Answer health checks over HTTP, on sockets that somebody else made: they may be another host's."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """What a check is told."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class HealthServer:
    """One answer a connection; `answer` gets the path."""

    def __init__(self, answer: Callable[[str], HealthAnswer], sockets: Sequence[socket.socket]) -> None:
        self._answer, self._sockets = answer, tuple(sockets)
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        for made in self._sockets:
            self._servers.append(await asyncio.start_server(self._serve, sock=made))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                _, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split()
                writer.write(_message(self._answer(target.partition("?")[0])))
                await writer.drain()
        writer.close()


def bind(addresses: Sequence[str], port: int) -> list[socket.socket]:
    """Sockets that listen on one port of every address; OSError if one of them does not. Blocks."""
    made: list[socket.socket] = []
    try:
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            made.append(socket.create_server((address, made[0].getsockname()[1] if made else port), family=family))
            made[-1].setblocking(False)
    except OSError:
        for sock in made:
            sock.close()
        raise
    return made


def _message(answer: HealthAnswer) -> bytes:
    headers = {
        "Content-Type": "application/json",
        "X-Content-Type-Options": "nosniff",
        **answer.headers,
        "Content-Length": str(len(answer.body)),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + answer.body
