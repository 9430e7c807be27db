"""Ask `grpc.health.v1.Health/Check` over HTTP/2: one small request, so the few frames are made here.

Only what decides is read: a DATA frame with the health message. Headers of the answer are not decoded.
"""

from __future__ import annotations

import asyncio
import struct

from cloudk8s.node.probes.outcome import Outcome

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _PING, _GOAWAY, _RST = 0, 1, 4, 6, 7, 3
_ACK, _END_STREAM, _END_HEADERS = 1, 1, 4
_SERVING = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


async def probe(host: str, port: int, service: str, *, timeout_seconds: int) -> Outcome:
    """SERVING is success; the caller sets the time limit."""
    address = f"{host}:{port}"
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        words = "connection refused" if isinstance(error, ConnectionRefusedError) else str(error)
        text = f'timeout: failed to connect service "{address}" within {timeout_seconds}s: {words}'
        return Outcome(False, text)
    try:
        writer.write(_PREFACE + _frame(_SETTINGS, 0, 0, b"") + _request(address, service))
        status = await _status(reader, writer)
    except (OSError, EOFError) as error:
        return Outcome(False, f"rpc error: code = Unavailable desc = {error or 'connection closed'}")
    finally:
        writer.close()
    if status == 1:
        return Outcome(True, f'service healthy, status="{_SERVING[1]}"')
    if status is None:
        return Outcome(False, "this server does not implement the grpc health protocol (grpc.health.v1.Health)")
    return Outcome(False, f'service unhealthy (responded with "{_SERVING.get(status, status)}")')


async def _status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int | None:
    """The status of the health message; None where the call ends without one."""
    while True:
        head = await reader.readexactly(9)
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        payload = await reader.readexactly(length)
        if kind == _SETTINGS and not flags & _ACK:
            writer.write(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            writer.write(_frame(_PING, _ACK, 0, payload))
        elif kind == _DATA and length >= 5:
            return _health(payload[5:])
        elif kind in (_GOAWAY, _RST) or (kind == _HEADERS and flags & _END_STREAM):
            return None


def _request(authority: str, service: str) -> bytes:
    name = service.encode()
    message = (b"\x0a" + _varint(len(name)) + name) if name else b""
    headers = (
        (":method", "POST"), (":scheme", "http"), (":path", "/grpc.health.v1.Health/Check"),
        (":authority", authority), ("content-type", "application/grpc"), ("te", "trailers"),
        ("user-agent", "kube-probe/1.37"),
    )  # fmt: skip
    block = b"".join(_literal(name, value) for name, value in headers)
    body = b"\0" + struct.pack(">I", len(message)) + message
    return _frame(_HEADERS, _END_HEADERS, 1, block) + _frame(_DATA, _END_STREAM, 1, body)


def _literal(name: str, value: str) -> bytes:
    """HPACK: a literal header without indexing or Huffman coding."""
    return b"\0" + b"".join(_prefixed(text.encode()) for text in (name, value))


def _prefixed(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes((len(text),)) + text
    return b"\x7f" + _varint(len(text) - 127) + text


def _health(message: bytes) -> int:
    """Field 1 of HealthCheckResponse; absent is 0."""
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
