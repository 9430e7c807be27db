"""SCTP by hand, for kernels that forward it but have no sockets for it: INIT and its answer.

https://www.rfc-editor.org/rfc/rfc9260
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

PROTOCOL = 132
_INIT, _INIT_ACK = 1, 2
_COMMON, _CHUNK, _BODY = struct.Struct("!HHI"), struct.Struct("!BBH"), struct.Struct("!IIHHI")
_COOKIE = struct.pack("!HH", 7, 8) + b"cook"


@dataclass(frozen=True)
class Seen:
    """One SCTP packet with both its ends."""

    source: str
    source_port: int
    target: str
    target_port: int
    is_answer: bool


def init(source_port: int, target_port: int) -> bytes:
    return _packet(source_port, target_port, 0, _INIT, _BODY.pack(7, 65_536, 1, 1, 1))


def init_ack(source_port: int, target_port: int) -> bytes:
    return _packet(source_port, target_port, 7, _INIT_ACK, _BODY.pack(8, 65_536, 1, 1, 1) + _COOKIE)


def raw_socket(seconds: float = 3.0) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
    made.settimeout(seconds)
    return made


def receive(raw: socket.socket) -> Seen:
    """The next INIT or answer to one; TimeoutError where none comes."""
    while True:
        packet = raw.recv(2048)
        start = (packet[0] & 15) * 4
        source_port, target_port, _ = _COMMON.unpack_from(packet, start)
        kind = packet[start + 12]
        if kind in (_INIT, _INIT_ACK):
            ends = socket.inet_ntoa(packet[12:16]), source_port, socket.inet_ntoa(packet[16:20]), target_port
            return Seen(*ends, is_answer=kind == _INIT_ACK)


def _packet(source_port: int, target_port: int, tag: int, kind: int, body: bytes) -> bytes:
    chunk = _CHUNK.pack(kind, 0, _CHUNK.size + len(body)) + body
    head = _COMMON.pack(source_port, target_port, tag)
    return head + struct.pack("<I", _crc32c(head + bytes(4) + chunk)) + chunk


def _crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF
