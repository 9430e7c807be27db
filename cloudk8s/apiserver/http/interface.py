"""What passes between the HTTP server and a handler.

A handler that can answer at once returns a `Response` without awaiting: the answer is written in the same loop turn.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol

Header = tuple[str, str]


class Connection(Protocol):
    """The connection a request came over."""

    @property
    def peer_certificate(self) -> bytes | None:
        """The verified client certificate in DER form, or None."""

    @property
    def remote(self) -> str:
        """The peer's IP address."""

    @property
    def memo(self) -> dict[str, object]:
        """For the handler to remember things about this connection (its authenticated user)."""


class Headers(dict[str, str]):
    """Request headers by lower-case name; values of a repeated header are joined with a comma.

    `all` gives them one by one, for headers whose values may hold commas themselves.
    """

    __slots__ = ("_repeated",)

    def all(self, name: str) -> list[str]:
        """Every value of `name`, in the order sent."""
        repeated: dict[str, list[str]] = getattr(self, "_repeated", {})
        return list(repeated[name]) if name in repeated else [self[name]] if name in self else []

    def repeat(self, name: str, value: str) -> None:
        """Add one more value to a name that has one."""
        if not hasattr(self, "_repeated"):
            self._repeated: dict[str, list[str]] = {}
        self._repeated.setdefault(name, [self[name]]).append(value)
        self[name] = f"{self[name]}, {value}"


class Request:
    """One request; header names are lower case, `target` is path and query as sent (not decoded)."""

    __slots__ = ("body", "connection", "headers", "method", "path", "query", "target")

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes, connection: Connection) -> None:
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body
        self.connection = connection


class Pieces:
    """A large body that is made while it is sent: what has left need not be held, and no cache sees all of it at once.

    `length` must be that of all pieces together; `make` is called anew whenever the body is asked for.
    """

    __slots__ = ("_make", "length")

    def __init__(self, length: int, make: Callable[[], Iterator[bytes]]) -> None:
        self.length = length
        self._make = make

    def __iter__(self) -> Iterator[bytes]:
        return self._make()


Body = bytes | Sequence[bytes] | Pieces
"""In one piece; in parts that are written without joining them; or made while it is sent."""


def joined(body: Body) -> bytes:
    """A body in one piece."""
    return body if isinstance(body, bytes) else b"".join(body)


class Response:
    """A whole answer."""

    __slots__ = ("body", "content_type", "flow", "headers", "status", "tree")

    def __init__(
        self,
        status: int,
        body: Body = b"",
        content_type: str = "application/json",
        headers: Sequence[Header] = (),
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers
        self.flow = ""
        """More header lines, ready to be sent: those that are the same for many answers."""
        self.tree: Any = None
        """What the body says, where that was at hand: shared, read-only, for callers in the same process."""


class StreamWriter(Protocol):
    """The sending side of a chunked answer. Calls are made on the event loop and never block."""

    is_paced: bool
    """Whoever writes now drains: the reader may take as long as it likes, as one who pages through a log does."""

    def write(self, data: bytes) -> None:
        """Send one chunk. A reader that lets the buffer grow beyond its limits is cut off, others go on."""

    def write_framed(self, chunk: bytes) -> None:
        """Send bytes that are already in chunked framing (made once, sent to many)."""

    async def drain(self) -> None:
        """Return once the reader has taken most of what was written, or is gone; for one caller at a time."""

    def close(self) -> None:
        """End the answer cleanly; the connection is kept. Idempotent."""

    def cut_off(self) -> None:
        """Drop the connection: there is more to the answer, which cannot be had. Idempotent."""

    @property
    def is_closed(self) -> bool:
        """True once either side ended it."""


class Stream:
    """A chunked answer: `start` is called once with the writer after the head is sent, `stop` once when it has ended.

    `stop` is called whoever ended it: the peer, the server's drain, or the handler itself.
    """

    __slots__ = ("content_type", "headers", "start", "status", "stop")

    def __init__(
        self,
        start: Callable[[StreamWriter], None],
        stop: Callable[[], None],
        content_type: str = "application/json",
        headers: Sequence[Header] = (),
        status: int = 200,
    ) -> None:
        self.start = start
        self.stop = stop
        self.content_type = content_type
        self.headers = headers
        self.status = status


class Hijack:
    """Hand the raw connection to another protocol (SPDY, WebSocket) after `head` was sent.

    `take` gets a reader and a writer (asyncio streams over the same TLS connection) and owns both.
    """

    __slots__ = ("head", "take")

    def __init__(self, head: bytes, take: Callable[..., Awaitable[None]]) -> None:
        self.head = head
        self.take = take


Answer = Response | Stream | Hijack
Handler = Callable[[Request], Answer | Awaitable[Answer]]
