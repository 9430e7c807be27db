"""The addresses by which this node is reached."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.kernel.addresses import outgoing_address


def node_ips(configured: str) -> tuple[str, ...]:
    """The configured addresses, or the one that outgoing packets carry, or loopback on a machine without network."""
    if configured:
        return tuple(part.strip() for part in configured.split(",") if part.strip())
    return (outgoing_address() or "127.0.0.1",)


def address_list(ips: Sequence[str], hostname: str) -> list[dict[str, str]]:
    """`status.addresses`."""
    return [*({"type": "InternalIP", "address": ip} for ip in ips), {"type": "Hostname", "address": hostname}]
