"""The addresses by which this node is reached."""

from __future__ import annotations

import socket
from collections.abc import Sequence


def node_ips(configured: str) -> tuple[str, ...]:
    """The configured addresses, or the one that outgoing packets carry, or loopback on a machine without network."""
    if configured:
        return tuple(part.strip() for part in configured.split(",") if part.strip())
    return (_outgoing() or "127.0.0.1",)


def address_list(ips: Sequence[str], hostname: str) -> list[dict[str, str]]:
    """`status.addresses`."""
    return [*({"type": "InternalIP", "address": ip} for ip in ips), {"type": "Hostname", "address": hostname}]


def _outgoing() -> str:
    """Ask the kernel which address it would use; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])
