"""Connect to a port on a sandbox's localhost and hand the connection to the agent."""

from __future__ import annotations

import os
import socket
from typing import Any

from cloudk8s.node.runtimes.host.shim import syscalls, wire


def run(request: dict[str, Any], connection: socket.socket) -> None:
    """Answer with the connected socket's descriptor, or with the error."""
    if namespace := request.get("network"):
        fd = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
        syscalls.setns(fd, syscalls.CLONE_NEWNET)
    try:
        peer = _connect(int(request["port"]))
    except OSError as error:
        wire.send(connection, {"error": error.strerror or str(error), "errno": error.errno or 0})
        return
    wire.send(connection, {"connected": True}, [peer.fileno()])


def _connect(port: int) -> socket.socket:
    """IPv4 first, as CRI implementations do."""
    try:
        return socket.create_connection(("127.0.0.1", port), timeout=10)
    except ConnectionRefusedError:
        return socket.create_connection(("::1", port), timeout=10)
