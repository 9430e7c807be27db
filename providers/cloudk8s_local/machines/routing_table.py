"""What this host routes somewhere, as the kernel tells."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path


def routed(path: Path = Path("/proc/net/route")) -> Iterator[str]:
    """Ranges with a route, the default route aside."""
    lines = path.read_text().splitlines()[1:] if path.exists() else []
    for fields in (line.split() for line in lines):
        address, mask = (int.from_bytes(bytes.fromhex(fields[column]), "little") for column in (1, 7))
        if mask:
            yield str(IPv4Network((address, mask.bit_count()), strict=False))
