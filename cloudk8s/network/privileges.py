"""What this process may do with the network of its host."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_NET_ADMIN: Final = 12
_NET_BIND_SERVICE: Final = 10
_STATUS: Final = Path("/proc/self/status")
_LOWEST_PORT: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def may_administer() -> bool:
    """Whether this process may change interfaces and tables (capability NET_ADMIN)."""
    return bool(_capabilities() >> _NET_ADMIN & 1)


def may_listen(port: int) -> bool:
    """Whether this process may listen on a port: any from 1024 on, unless the host allows more."""
    if _capabilities() >> _NET_BIND_SERVICE & 1:
        return True
    try:
        return port >= int(_LOWEST_PORT.read_text())
    except OSError:
        return port >= 1024


def _capabilities() -> int:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)
