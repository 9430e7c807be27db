"""Find and kill what a container's processes left behind, where no PID namespace does it."""

from __future__ import annotations

import os
import signal


def children(pid: int) -> list[int]:
    """The direct children of a process."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return _children_by_parent(pid)
    except OSError:
        return []


def kill_all(pid: int) -> bool:
    """Kill all children of a process; True while there were any. Orphans come to a subreaper, so repeat until False."""
    found = children(pid)
    for child in found:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return bool(found)


def _children_by_parent(pid: int) -> list[int]:
    """The slow road for kernels without `children` files."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(name))
    return found
