"""The host's own addresses."""

from __future__ import annotations

import socket


def outgoing_address() -> str:
    """The address that outgoing packets carry, as nodes find theirs; empty on a machine without network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])
