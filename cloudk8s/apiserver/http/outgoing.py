"""Responses to bytes: heads, and bodies in pieces of a good size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus

from cloudk8s.apiserver.http.interface import Body, Header, Pieces, Response

PIECE = 256 * 1024
"""How much is handed to the transport before looking whether the peer keeps up."""

_BODYLESS = frozenset({204, 304})
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


def head(status: int, content_type: str, headers: Sequence[Header], framing: str, date: str) -> bytes:
    """Status line and headers; `framing` is the Content-Length or Transfer-Encoding line, with a line end."""
    line = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n"
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    if headers:
        extra = "".join([f"{name}: {_one_line(value)}\r\n" for name, value in headers])
        return f"{line}{kind}{date}{framing}{extra}\r\n".encode("utf-8", "replace")
    return f"{line}{kind}{date}{framing}\r\n".encode()


def date_header(now: datetime) -> str:
    """The Date line; made once a second, not once a request."""
    return f"Date: {format_datetime(now, usegmt=True)}\r\n"


def response(answer: Response, *, is_head: bool, keep_alive: bool, date: str) -> bytes | Iterator[bytes]:
    """A small answer as one piece of bytes, a large one as an iterator of pieces."""
    body = answer.body
    length = _length(body)
    framing = "" if answer.status in _BODYLESS or answer.status < 200 else f"Content-Length: {length}\r\n"
    if answer.flow:
        framing += answer.flow
    if not keep_alive:
        framing += "Connection: close\r\n"
    start = head(answer.status, answer.content_type if length else "", answer.headers, framing, date)
    if is_head or not length or answer.status in _BODYLESS:
        return start
    if isinstance(body, bytes):
        return start + body if length <= PIECE else _pieces([start, body])
    if length <= PIECE:
        return b"".join([start, *body])
    return _begun(start, iter(body)) if isinstance(body, Pieces) else _pieces([start, *body])


def _length(body: Body) -> int:
    if isinstance(body, bytes):
        return len(body)
    return body.length if isinstance(body, Pieces) else sum(map(len, body))


def _begun(start: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces of a body, the head with the first of them."""
    yield start + next(pieces)
    yield from pieces


def _pieces(parts: Sequence[bytes]) -> Iterator[bytes]:
    """Join small parts and split large ones; parts are not copied more than once."""
    pending: list[bytes] = []
    size = 0
    for part in parts:
        if size + len(part) > PIECE and pending:
            yield b"".join(pending)
            pending, size = [], 0
        if len(part) > PIECE:
            yield from (part[start : start + PIECE] for start in range(0, len(part), PIECE))
        else:
            pending.append(part)
            size += len(part)
    if pending:
        yield b"".join(pending)


def _one_line(value: str) -> str:
    # A line end in a value would let a request write the answer's headers.
    return value.replace("\r", " ").replace("\n", " ") if "\n" in value or "\r" in value else value
