"""Whether this process may give files and processes to other users: root may, unless it is root of a user namespace."""

from __future__ import annotations

import os
from pathlib import Path

_MAP = Path("/proc/self/uid_map")


def may_give_away() -> bool:
    """Whether there are other users to give anything to."""
    return os.geteuid() == 0 and not is_alone(_MAP.read_text() if _MAP.exists() else "")


def is_alone(uid_map: str) -> bool:
    """Whether a user namespace knows one user only."""
    sizes = [int(line.split()[2]) for line in uid_map.splitlines()]
    return bool(sizes) and sum(sizes) == 1
