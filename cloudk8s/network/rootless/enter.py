"""Become a process of such a host: `python -m cloudk8s.network.rootless.enter PID COMMAND …`."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from typing import Final

VARIABLE: Final = "CLOUDK8S_ROOTLESS"
"""Set for processes within."""
_KINDS: Final = {"user": 0x10000000, "mnt": 0x20000, "net": 0x40000000}


def enter(pid: int) -> None:
    """Move into the namespaces of a process; only while this process has one thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    files = {kind: os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in _KINDS}
    here = os.getcwd()
    for kind, flag in _KINDS.items():
        if libc.setns(files[kind], flag):
            number = ctypes.get_errno()
            raise OSError(number, f"{kind} namespace of process {pid}: {os.strerror(number)}")
    os.chdir(here)


def command(pid: int, arguments: Sequence[str]) -> list[str]:
    """The command line that runs a command there."""
    return [sys.executable, "-m", __name__, str(pid), *arguments]


if __name__ == "__main__":
    enter(int(sys.argv[1]))
    os.environ[VARIABLE] = "1"
    os.execvp(sys.argv[2], sys.argv[2:])
