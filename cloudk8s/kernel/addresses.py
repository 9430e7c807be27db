"""The addresses that this host has."""

from __future__ import annotations

import socket
from typing import Literal


def outgoing_address(version: Literal[4, 6] = 4) -> str:
    """The address that outgoing packets carry, as nodes find theirs; empty on a machine without network."""
    family, anybody = (socket.AF_INET, "192.0.2.1") if version == 4 else (socket.AF_INET6, "2001:db8::1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((anybody, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return ""
