"""SPDY/3.1 frames: bytes in, frames out, and back.

https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

VERSION = 3
FIN = 1
_HEAD = struct.Struct(">IBBH")
_WORDS = (
    "options", "head", "post", "put", "delete", "trace", "accept", "accept-charset", "accept-encoding",
    "accept-language", "accept-ranges", "age", "allow", "authorization", "cache-control", "connection",
    "content-base", "content-encoding", "content-language", "content-length", "content-location", "content-md5",
    "content-range", "content-type", "date", "etag", "expect", "expires", "from", "host", "if-match",
    "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-modified", "location",
    "max-forwards", "pragma", "proxy-authenticate", "proxy-authorization", "range", "referer", "retry-after",
    "server", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "vary", "via", "warning",
    "www-authenticate", "method", "get", "status", "200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie",
    "keep-alive", "origin",
)  # fmt: skip
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = b"".join(struct.pack(">I", len(word)) + word.encode() for word in _WORDS) + _TAIL.encode()


class Kind(IntEnum):
    """Control frames; DATA is not one but has a number here too."""

    DATA = 0
    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    HEADERS = 8
    WINDOW_UPDATE = 9


class SpdyError(Exception):
    """The peer does not speak SPDY/3.1."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it is on the wire; `stream` is set for data only."""

    kind: Kind
    flags: int
    payload: bytes
    stream: int = 0


class FrameReader:
    """Collects bytes into frames."""

    def __init__(self, *, max_payload: int = 1 << 24) -> None:
        self._data = bytearray()
        self._max = max_payload

    def feed(self, data: bytes) -> Iterator[Frame]:
        """All frames that are complete now; control frames of unknown kinds are skipped."""
        self._data += data
        while len(self._data) >= 8:
            first, flags, high, low = _HEAD.unpack_from(self._data)
            length = high << 16 | low
            if length > self._max:
                raise SpdyError(f"a frame of {length} bytes is too large")
            if len(self._data) < 8 + length:
                return
            payload = bytes(self._data[8 : 8 + length])
            del self._data[: 8 + length]
            if not first >> 31:
                yield Frame(Kind.DATA, flags, payload, first & 0x7FFFFFFF)
                continue
            if first >> 16 & 0x7FFF != VERSION:
                raise SpdyError(f"unsupported SPDY version {first >> 16 & 0x7FFF}")
            if first & 0xFFFF in Kind._value2member_map_:
                yield Frame(Kind(first & 0xFFFF), flags, payload)


def control(kind: Kind, flags: int, payload: bytes) -> bytes:
    """A control frame."""
    length = len(payload)
    return _HEAD.pack(1 << 31 | VERSION << 16 | kind, flags, length >> 16, length & 0xFFFF) + payload


def data(stream: int, payload: bytes, flags: int = 0) -> bytes:
    """A data frame."""
    length = len(payload)
    return _HEAD.pack(stream, flags, length >> 16, length & 0xFFFF) + payload


class HeaderCodec:
    """Header blocks, compressed with one state for each direction of a connection."""

    def __init__(self) -> None:
        self._compress = zlib.compressobj(zdict=DICTIONARY)
        self._decompress = zlib.decompressobj(zdict=DICTIONARY)

    def encode(self, headers: Mapping[str, str]) -> bytes:
        """Names are sent in lower case."""
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        block = struct.pack(">I", len(pairs)) + b"".join(_text(name) + _text(value) for name, value in pairs)
        return self._compress.compress(block) + self._compress.flush(zlib.Z_SYNC_FLUSH)

    def decode(self, block: bytes) -> dict[str, str]:
        """Names are in lower case; the last of several values wins. Raises SpdyError."""
        try:
            plain = self._decompress.decompress(block, 1 << 20)
            return dict(_pairs(plain))
        except (zlib.error, struct.error, UnicodeDecodeError) as error:
            raise SpdyError(f"a header block cannot be read: {error}") from error


def _text(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _pairs(plain: bytes) -> Iterator[tuple[str, str]]:
    (count,) = struct.unpack_from(">I", plain)
    offset = 4
    for _ in range(count):
        words = []
        for _ in range(2):
            (length,) = struct.unpack_from(">I", plain, offset)
            words.append(plain[offset + 4 : offset + 4 + length].decode())
            offset += 4 + length
        yield words[0].lower(), words[1].rpartition("\0")[2]
