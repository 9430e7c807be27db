"""IPv4 packets of UDP and ICMP as raw sockets read them, and what is written back. Pure.

https://www.rfc-editor.org/rfc/rfc791, 768 and 792.
"""

from __future__ import annotations

import socket
import struct
from typing import Final, NamedTuple

ECHO_REQUEST: Final = 8
ECHO_REPLY: Final = 0
_UNREACHABLE, _PORT = 3, 3
_IP_PKTINFO: Final = 8
_UDP: Final = struct.Struct("!HHHH")
_PKTINFO: Final = struct.Struct("=i4s4s")
_LARGEST_QUOTE: Final = 548
"""Bytes of a packet that an error message repeats at most."""

Ancillary = list[tuple[int, int, bytes]]


class Datagram(NamedTuple):
    """One UDP datagram with both its ends."""

    source: str
    source_port: int
    target: str
    target_port: int
    data: bytes


class Echo(NamedTuple):
    """An ICMP message of a ping, without its first eight bytes but for what tells it from others."""

    source: str
    target: str
    number: int
    sequence: int
    data: bytes


def read_datagram(packet: bytes) -> Datagram | None:
    """The datagram in a packet; None for what is none."""
    start = _header_length(packet)
    if not start or len(packet) < start + _UDP.size:
        return None
    source, target, length, _ = _UDP.unpack_from(packet, start)
    if length < _UDP.size or start + length > len(packet):
        return None
    return Datagram(*_ends(packet, source, target), packet[start + _UDP.size : start + length])


def read_echo(packet: bytes) -> Echo | None:
    """The ping in a packet; None for any other."""
    start = _header_length(packet)
    if not start or len(packet) < start + 8 or packet[start] != ECHO_REQUEST:
        return None
    number, sequence = struct.unpack_from("!HH", packet, start + 4)
    source, _, target, _ = _ends(packet, 0, 0)
    return Echo(source, target, number, sequence, packet[start + 8 :])


def udp(source_port: int, target_port: int, data: bytes) -> bytes:
    """A datagram without its IP header; no checksum, which IPv4 allows: it does not leave this host."""
    return _UDP.pack(source_port, target_port, _UDP.size + len(data), 0) + data


def echo(kind: int, number: int, sequence: int, data: bytes) -> bytes:
    """A ping, or the answer to one."""
    return _with_checksum(kind, 0, struct.pack("!HH", number, sequence) + data)


def port_unreachable(packet: bytes) -> bytes:
    """What the sender of a packet is told when nobody listens."""
    return _with_checksum(_UNREACHABLE, _PORT, bytes(4) + packet[:_LARGEST_QUOTE])


def sent_from(address: str) -> Ancillary:
    """Ancillary data that makes a message leave with this source address (ip(7), IP_PKTINFO)."""
    return [(socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(0, socket.inet_aton(address), bytes(4)))]


def _header_length(packet: bytes) -> int:
    """Bytes of the IPv4 header; 0 where there is none."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return 0
    return (packet[0] & 0x0F) * 4


def _ends(packet: bytes, source: int, target: int) -> tuple[str, int, str, int]:
    return socket.inet_ntoa(packet[12:16]), source, socket.inet_ntoa(packet[16:20]), target


def _with_checksum(kind: int, code: int, rest: bytes) -> bytes:
    message = struct.pack("!BBH", kind, code, 0) + rest
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def checksum(data: bytes) -> int:
    """The Internet checksum of some bytes."""
    padded = data + b"\0" * (len(data) % 2)
    total = int(sum(struct.unpack(f"!{len(padded) // 2}H", padded)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total
