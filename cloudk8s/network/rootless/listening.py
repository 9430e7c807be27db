"""Which ports a network namespace listens on, as the kernel lists them for a process of it (proc(5))."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ANYWHERE: Final = ("0.0.0.0", "::")
_FILES: Final = (("tcp", "TCP"), ("tcp6", "TCP"), ("udp", "UDP"), ("udp6", "UDP"))
_LISTEN, _UNCONNECTED = "0A", "07"
_FIRST_EPHEMERAL: Final = 32768
"""Ports from here on are those of clients; of datagrams it cannot be told otherwise who serves."""


class Listening(NamedTuple):
    """A socket that others may come to."""

    protocol: str
    address: str
    port: int


def listening(pid: int, *, proc: Path = Path("/proc")) -> frozenset[Listening]:
    """The listening sockets of a process's network namespace; none where there is no such process. Blocks."""
    found: set[Listening] = set()
    for name, protocol in _FILES:
        try:
            text = (proc / str(pid) / "net" / name).read_text()
        except OSError:
            continue
        found.update(_read(text, protocol))
    return frozenset(found)


def _read(text: str, protocol: str) -> Iterator[Listening]:
    for line in text.splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        address, _, port = local.partition(":")
        number = int(port, 16)
        is_server = state == _LISTEN if protocol == "TCP" else state == _UNCONNECTED and number < _FIRST_EPHEMERAL
        if is_server:
            yield Listening(protocol, _address(address), number)


def _address(text: str) -> str:
    """Words of four bytes in the order of this machine, as hexadecimal digits."""
    data = b"".join(struct.pack("=I", int(text[start : start + 8], 16)) for start in range(0, len(text), 8))
    return socket.inet_ntop(socket.AF_INET if len(data) == 4 else socket.AF_INET6, data)
