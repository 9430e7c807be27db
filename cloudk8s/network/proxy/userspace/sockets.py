"""Where the sockets come from that reach backends, when pods are on a network that this process is not on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Literal

from cloudk8s.network.proxy.model import Backend

Sockets = Callable[[Literal["tcp", "udp"]], socket.socket]
"""Makes a socket of the pods' network. Blocks, for a moment."""


ClientSockets = Callable[[str], socket.socket]
"""Makes a TCP socket there that speaks for a client: with the client's address. Blocks, for a moment."""


async def connected(sockets: Sockets, kind: Literal["tcp", "udp"], backend: Backend) -> socket.socket:
    """A socket that is connected to a backend."""
    return await _connected(await asyncio.to_thread(sockets, kind), kind, backend)


async def connected_as(sockets: ClientSockets, client: str, backend: Backend) -> socket.socket:
    """A TCP connection in which the backend sees the client's address."""
    return await _connected(await asyncio.to_thread(sockets, client), "tcp", backend)


async def _connected(made: socket.socket, kind: Literal["tcp", "udp"], backend: Backend) -> socket.socket:
    try:
        if kind == "udp":
            made.connect((backend.address, backend.port))  # which only notes the address
        else:
            await asyncio.get_running_loop().sock_connect(made, (backend.address, backend.port))
    except BaseException:
        made.close()
        raise
    return made
