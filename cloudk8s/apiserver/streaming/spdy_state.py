"""One SPDY/3.1 connection without its I/O: bytes in, events out; calls in, bytes out.

There is no flow control by windows: the implementation that all Kubernetes clients share has none either.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cloudk8s.apiserver.streaming.spdy_frames import FIN, FrameReader, HeaderCodec, Kind, SpdyError, control, data

MAX_DATA = 32 * 1024
_ID = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Opened:
    """The peer opened a stream."""

    stream: int
    headers: Mapping[str, str]
    is_ended: bool


@dataclass(frozen=True, slots=True)
class Replied:
    """The peer accepted a stream of ours."""

    stream: int


@dataclass(frozen=True, slots=True)
class Received:
    """Data of a stream; `is_ended` says that no more follows."""

    stream: int
    data: bytes
    is_ended: bool


@dataclass(frozen=True, slots=True)
class Reset:
    """The peer broke a stream off."""

    stream: int


@dataclass(frozen=True, slots=True)
class GoneAway:
    """The peer opens no more streams."""


Event = Opened | Replied | Received | Reset | GoneAway


class SpdyState:
    """The state of one side; `take` returns the bytes to send."""

    def __init__(self, *, is_server: bool) -> None:
        self._reader = FrameReader()
        self._headers = HeaderCodec()
        self._next = 2 if is_server else 1
        self._next_ping_parity = 0 if is_server else 1
        self._out = bytearray()

    @property
    def has_output(self) -> bool:
        """Whether there is something to send."""
        return bool(self._out)

    def take(self) -> bytes:
        """What is to be sent now."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def feed(self, received: bytes) -> Iterator[Event]:
        """Take bytes; raises SpdyError where they are none of SPDY."""
        for frame in self._reader.feed(received):
            payload, is_ended = frame.payload, bool(frame.flags & FIN)
            if frame.kind is Kind.DATA:
                yield Received(frame.stream, payload, is_ended)
            elif frame.kind is Kind.SYN_STREAM:
                yield Opened(_stream(payload), self._headers.decode(payload[10:]), is_ended)
            elif frame.kind is Kind.SYN_REPLY:
                self._headers.decode(payload[4:])
                yield Replied(_stream(payload))
            elif frame.kind is Kind.HEADERS:
                self._headers.decode(payload[4:])
                if is_ended:
                    yield Received(_stream(payload), b"", True)
            elif frame.kind is Kind.RST_STREAM:
                yield Reset(_stream(payload))
            elif frame.kind is Kind.PING:
                self._pong(payload)
            elif frame.kind is Kind.GOAWAY:
                yield GoneAway()

    def open(self, headers: Mapping[str, str]) -> int:
        """Open a stream and return its id."""
        stream, self._next = self._next, self._next + 2
        self._out += control(Kind.SYN_STREAM, 0, struct.pack(">IIH", stream, 0, 0) + self._headers.encode(headers))
        return stream

    def reply(self, stream: int) -> None:
        """Accept a stream of the peer."""
        self._out += control(Kind.SYN_REPLY, 0, _ID.pack(stream) + self._headers.encode({}))

    def send(self, stream: int, content: bytes) -> None:
        """Send data."""
        for start in range(0, len(content), MAX_DATA):
            self._out += data(stream, content[start : start + MAX_DATA])

    def end(self, stream: int) -> None:
        """Say that no more data follows."""
        self._out += data(stream, b"", FIN)

    def reset(self, stream: int, status: int = 5) -> None:
        """Break a stream off; 5 is CANCEL, 3 is REFUSED_STREAM."""
        self._out += control(Kind.RST_STREAM, 0, struct.pack(">II", stream, status))

    def go_away(self, last_stream: int = 0) -> None:
        """Say that this side takes no more streams."""
        self._out += control(Kind.GOAWAY, 0, struct.pack(">II", last_stream, 0))

    def _pong(self, payload: bytes) -> None:
        """Answer the peer's pings; answers to our own have our parity."""
        (number,) = _ID.unpack_from(payload)
        if number % 2 != self._next_ping_parity:
            self._out += control(Kind.PING, 0, payload[:4])


def _stream(payload: bytes) -> int:
    if len(payload) < 4:
        raise SpdyError("a control frame is too short")
    return int(_ID.unpack_from(payload)[0]) & 0x7FFFFFFF
