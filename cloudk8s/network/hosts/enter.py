"""Become a process of another host: `python -m cloudk8s.network.hosts.enter NAMESPACE COMMAND …`."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_DIRECTORY: Final = Path("/run/netns")
_CLONE_NEWNET: Final = 0x40000000


def path_of(namespace: str) -> Path:
    """Where a named network namespace can be opened."""
    return _DIRECTORY / namespace


def enter(namespace: str) -> None:
    """Move this thread into a network namespace; OSError where there is none, or without privileges."""
    libc = ctypes.CDLL(None, use_errno=True)
    with path_of(namespace).open("rb") as file:
        if libc.setns(file.fileno(), _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, f"network namespace {namespace}: {os.strerror(number)}")


def command(namespace: str, arguments: Sequence[str]) -> list[str]:
    """The command line that runs a command in a namespace; unchanged where the namespace is the host's own."""
    return [sys.executable, "-m", __name__, namespace, *arguments] if namespace else list(arguments)


if __name__ == "__main__":
    enter(sys.argv[1])
    os.execvp(sys.argv[2], sys.argv[2:])
