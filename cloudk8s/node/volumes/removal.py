"""Take a volume's directory away, mounts first, without ever following one.

`python -m cloudk8s.node.volumes.removal DIRECTORY` does it from within other namespaces.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from cloudk8s.node.runtimes.host.shim import syscalls


def unmount_below(directory: Path) -> None:
    """Unmount everything at and below a directory, the innermost first."""
    prefix = str(directory)
    for mounted in reversed(mount_points()):
        if mounted == prefix or mounted.startswith(prefix + "/"):
            syscalls.unmount(mounted)


def remove_tree(directory: Path) -> None:
    """Remove a directory of this agent's own; what is mounted in it is let go first, never deleted."""
    if os.geteuid() == 0:
        unmount_below(directory)
    elif any(mounted.startswith(f"{directory}/") for mounted in mount_points()):
        return
    shutil.rmtree(directory, ignore_errors=True)


def mount_points() -> list[str]:
    """All mount points of this process, in the order they were made."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.split(" ")[4].replace("\\040", " ") for line in lines]


if __name__ == "__main__":
    remove_tree(Path(sys.argv[1]))
