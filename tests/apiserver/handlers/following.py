"""A watch as the server answers it, without a socket."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

from cloudk8s.apiserver.http.interface import Request, Response, Stream
from cloudk8s.apiserver.local import LocalConnection, joined
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.machinery import codec
from tests.apiserver.admission.cluster import ADMIN


class Watching:
    """Collects what a watch sends; fulfils `StreamWriter`."""

    def __init__(self, stream: Stream) -> None:
        self.text = b""
        self.is_closed = False
        self.is_cut_off = False
        self.is_paced = False
        self._stream = stream
        stream.start(self)

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.text += data

    def write_framed(self, chunk: bytes) -> None:
        assert not self.is_closed
        while chunk:
            size, _, rest = chunk.partition(b"\r\n")
            self.text += rest[: int(size, 16)]
            chunk = rest[int(size, 16) + 2 :]

    async def drain(self) -> None:
        """Everything is taken at once."""

    def close(self) -> None:
        self.is_closed = True

    def cut_off(self) -> None:
        self.is_closed = self.is_cut_off = True

    def stop(self) -> None:
        """As if the client had gone."""
        self.is_closed = True
        self._stream.stop()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [codec.decode(line) for line in self.text.splitlines()]

    @property
    def told(self) -> list[tuple[str, str]]:
        """Types, and names where there are any."""
        return [(event["type"], event["object"]["metadata"].get("name", "")) for event in self.events]


async def sent(
    server: RunningApiServer, method: str, path: str, query: dict[str, str] | None = None, body: Any = None,
    **headers: str,
) -> Any:  # fmt: skip
    """Whatever the server answers with."""
    target = f"{path}?{urlencode(query)}" if query else path
    data = codec.encode(body) if body is not None else b""
    lower = {"content-type": "application/json", "user-agent": "test"}
    lower |= {name.replace("_", "-"): value for name, value in headers.items()}
    answer: Any = server.assembly.server.handle(Request(method, target, lower, data, LocalConnection(ADMIN)))
    return await answer if asyncio.iscoroutine(answer) else answer


async def watch(server: RunningApiServer, path: str, **query: str) -> Watching:
    """Begin a watch that the server takes."""
    accept = query.pop("accept", "application/json")
    answer = await sent(server, "GET", path, {"watch": "1", **query}, accept=accept)
    assert isinstance(answer, Stream), refusal(answer)
    return Watching(answer)


def refusal(answer: Response) -> Any:
    """The Status of an answer."""
    return codec.decode(joined(answer))
