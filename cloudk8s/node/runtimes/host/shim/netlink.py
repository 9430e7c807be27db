"""The few requests of rtnetlink(7) that a pod network needs; a socket keeps the network namespace it was made in."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Sequence

_NEWLINK, _DELLINK, _GETLINK, _NEWADDR, _NEWROUTE, _DELROUTE = 16, 17, 18, 20, 24, 25
_REQUEST, _ACK, _EXCL, _CREATE, _REPLACE = 1, 4, 0x200, 0x400, 0x100
_ERROR = 2
_IFF_UP = 1
_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def open_socket() -> socket.socket:
    """A socket that speaks for the present network namespace."""
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)


def link_index(route: socket.socket, name: str) -> int:
    """The index of an interface; 0 where there is none."""
    try:
        reply = _request(route, _GETLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _text(3, name))
    except FileNotFoundError:
        return 0
    return int(_LINK.unpack_from(reply, _HEADER.size)[2])


def add_bridge(route: socket.socket, name: str, *, mtu: int = 0) -> None:
    """Make a bridge; one that exists is left as it is."""
    body = _LINK.pack(0, 0, 0, 0, 0) + _text(3, name) + (_number(4, mtu) if mtu else b"")
    _ignore_existing(route, _NEWLINK, body + _attribute(18, _text(1, "bridge")))


def set_hardware_address(route: socket.socket, name: str, address: bytes) -> None:
    """Give an interface an address of the link layer, which it keeps."""
    _request(route, _NEWLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _text(3, name) + _attribute(1, address))


def add_veth(
    route: socket.socket, name: str, *, peer: str, peer_pid: int, peer_address: bytes = b"", master: int, mtu: int = 0
) -> None:  # fmt: skip
    """Make a pair of interfaces: `name` here, in the bridge and up, `peer` in the network namespace of a process.

    `peer_address` is of the link layer; without one the kernel chooses it.
    """
    size = _number(4, mtu) if mtu else b""
    known_by = _attribute(1, peer_address) if peer_address else b""
    far = _LINK.pack(0, 0, 0, 0, 0) + _text(3, peer) + _number(19, peer_pid) + size + known_by
    info = _text(1, "veth") + _attribute(2, _attribute(1, far))
    body = _LINK.pack(0, 0, 0, _IFF_UP, _IFF_UP) + _text(3, name) + size + (_number(10, master) if master else b"")
    _request(route, _NEWLINK, _CREATE | _EXCL, body + _attribute(18, info))


def reflect(route: socket.socket, name: str) -> None:
    """Let a bridge send a frame back where it came from: to a pod that reaches itself by a Service."""
    slave = _text(4, "bridge") + _attribute(5, _attribute(4, b"\x01"))
    _request(route, _NEWLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _text(3, name) + _attribute(18, slave))


def set_up(route: socket.socket, name: str) -> None:
    """Bring an interface up."""
    _request(route, _NEWLINK, 0, _LINK.pack(0, 0, 0, _IFF_UP, _IFF_UP) + _text(3, name))


def delete_link(route: socket.socket, name: str) -> None:
    """Remove an interface; absent is success."""
    try:
        _request(route, _DELLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _text(3, name))
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise


def add_address(route: socket.socket, index: int, address: Address, prefix: int) -> None:
    """Give an interface an address; one that it has already is left."""
    no_duplicate_check = 2 if address.version == 6 else 0
    head = _ADDRESS.pack(_family(address), prefix, no_duplicate_check, 0, index)
    body = head + _attribute(2, address.packed) + _attribute(1, address.packed)
    _ignore_existing(route, _NEWADDR, body)


def add_route(
    route: socket.socket, *, destination: str = "", gateway: Address | None = None, index: int = 0
) -> None:  # fmt: skip
    """Add or replace a route; without a destination it is the default one of the gateway's family."""
    _request(route, _NEWROUTE, _CREATE | _REPLACE, _route_body(destination, gateway, index))


def give_loopback_away(route: socket.socket) -> None:
    """Keep 127.0.0.0/10 as this namespace's own loopback, and route the rest of 127.0.0.0/8 like anything else."""
    index = link_index(route, "lo")
    own = ipaddress.IPv4Address("127.0.0.1").packed
    for kind, flags, length in ((_NEWROUTE, _CREATE | _REPLACE, 10), (_DELROUTE, 0, 8)):
        body = _ROUTE.pack(socket.AF_INET, length, 0, 0, 255, 2, 254, 2, 0)
        body += _attribute(1, ipaddress.IPv4Address("127.0.0.0").packed) + _attribute(7, own) + _number(4, index)
        _request(route, kind, flags, body)


def delete_route(route: socket.socket, *, destination: str) -> None:
    """Remove a route; absent is success."""
    try:
        _request(route, _DELROUTE, 0, _route_body(destination, None, 0))
    except ProcessLookupError:
        return


def _route_body(destination: str, gateway: Address | None, index: int) -> bytes:
    network = ipaddress.ip_network(destination) if destination else None
    where = network.network_address if network else gateway
    assert where is not None
    length = network.prefixlen if network else 0
    scope = 0 if gateway else 253
    body = _ROUTE.pack(_family(where), length, 0, 0, 254, 3, scope, 1, 0)
    body += _attribute(1, network.network_address.packed) if network else b""
    body += _attribute(5, gateway.packed) if gateway else b""
    return body + (_number(4, index) if index else b"")


def _family(address: Address) -> int:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def _ignore_existing(route: socket.socket, kind: int, body: bytes) -> None:
    try:
        _request(route, kind, _CREATE | _EXCL, body)
    except FileExistsError:
        return


def _request(route: socket.socket, kind: int, flags: int, body: bytes) -> bytes:
    route.send(_HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | _ACK | flags, 1, 0) + body)
    answer = b""
    while True:
        for message_kind, message in _messages(route.recv(65536)):
            if message_kind != _ERROR:
                answer = message
                continue
            (code,) = struct.unpack_from("=i", message, _HEADER.size)
            if code:
                number = errno.ENOENT if -code == errno.ENODEV and kind == _GETLINK else -code
                raise OSError(number, f"netlink: {os.strerror(-code)}")
            return answer


def _messages(data: bytes) -> Sequence[tuple[int, bytes]]:
    found, offset = [], 0
    while offset < len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        found.append((kind, data[offset : offset + length]))
        offset += (length + 3) & ~3
    return found


def _attribute(kind: int, payload: bytes) -> bytes:
    length = 4 + len(payload)
    return struct.pack("=HH", length, kind) + payload + b"\0" * (-length % 4)


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack("=I", value))
