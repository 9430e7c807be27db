"""What the nodes of this host are called."""

from __future__ import annotations

import socket


def node_name(index: int) -> str:
    """The host's name, with a number from the second node on."""
    host = socket.gethostname().split(".")[0].lower() or "node"
    return host if index == 0 else f"{host}-{index + 1}"
